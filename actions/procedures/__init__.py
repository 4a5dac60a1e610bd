"""From a request and the facts to a Plan. Pure planning, no acting."""
