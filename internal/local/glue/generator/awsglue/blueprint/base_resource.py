"""What all blueprint classes share: typed attributes, of which unknown ones are dropped."""


def ensure_type(key, value, types):
    """Return the value, or raise when it is neither None nor of the type."""
    if value is not None and not isinstance(value, types):
        raise TypeError("Value {} for key {} should be of type {}!".format(value, key, types))
    return value


class BaseResource(object):
    """A resource whose attributes are checked when they are set.

    Unknown attributes are dropped without a word. Where drops_falsy is set, so are falsy values, and an attribute
    that was dropped is absent; elsewhere it is None.
    """

    fields = {}  # name -> (type, required)
    arguments = {}  # name -> constructor argument, where that differs
    drops_falsy = False

    def __init__(self, **kwargs):
        for name in self.fields:
            setattr(self, name, kwargs.get(self.arguments.get(name, name)))

    def __setattr__(self, name, value):
        if name not in self.fields or (self.drops_falsy and not value):
            return
        ensure_type(name, value, self.fields[name][0])
        if value:
            self.check(name, value)
        super(BaseResource, self).__setattr__(name, value)

    def check(self, name, value):
        """Raise when a value of the right type is not a valid one."""

    def validate(self):
        """Raise when a required attribute is absent."""
        missing = [name for name, (_, required) in self.fields.items() if required and name not in self.__dict__]
        if missing:
            raise TypeError("Required Fields for {} were missing: {}".format(self.__class__.__name__, missing))
        return True

    def to_json(self):
        """Return the attributes as the body of a Create call."""
        self.validate()
        return {name: value for name, value in self.__dict__.items() if name in self.fields}
