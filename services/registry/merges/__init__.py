"""Two records of one organisation become one: what names the duplicate names the other from then on."""
