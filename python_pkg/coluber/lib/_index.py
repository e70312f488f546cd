"""Which library file registers which name. Written by _make_index.py."""
INDEX = {
}
