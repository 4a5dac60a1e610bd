"""One elected process that observes while no console is open: releases soak, changes are noted, notices delivered."""
