"""What went wrong, in words for whoever started the comparison."""


class Failure(Exception):
    """Something that makes a measurement, or all of them, worthless."""
