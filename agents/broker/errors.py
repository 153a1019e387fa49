"""Why there is no embedded broker; every message says what to do.

BrokerError
├── ExtraMissingError   the packages of the extra `embedded` are not installed
├── DownloadError       the jars cannot be fetched or stored
├── ChecksumError       a jar is not the one we pinned
├── PortTakenError      something else listens on the port
├── DataInUseError      the data folder belongs to a running broker
└── StartError          Kafka ended, or was not ready in time
"""


class BrokerError(RuntimeError):
    """The embedded broker cannot do what was asked."""


class ExtraMissingError(BrokerError):
    """The packages of the extra `embedded` are not installed."""


class DownloadError(BrokerError):
    """The jars cannot be fetched, or the cache folder cannot be written."""


class ChecksumError(BrokerError):
    """A jar is not the one we pinned; it is not used."""


class PortTakenError(BrokerError):
    """Something else listens on the port."""


class DataInUseError(BrokerError):
    """The data folder belongs to a running broker."""


class StartError(BrokerError):
    """Kafka ended while it started, or was not ready in time; the message quotes its last words."""
