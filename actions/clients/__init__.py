"""One thin client per technology; the reading half and the writing half are two classes."""
