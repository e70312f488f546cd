"""`with objmode(y='float64[:]'):` inside compiled code runs its body in Python."""


class objmode:
    """Inside a compiled function, the body of the with statement is run by Python, where everything works; elsewhere it does nothing.

    The keywords give the types that variables set in the body have behind it: texts as in a signature ('int64', 'float64[:, ::1]'), or types
    of coluber.types by name. Variables that had a type before may be left out.

        with objmode(y='float64[:]'):
            y = anything.python.can(x)
    """
    __module__ = "coluber"
    __slots__ = ()

    def __init__(self, **types):
        pass

    def __enter__(self):
        return None

    def __exit__(self, *exception):
        return None
