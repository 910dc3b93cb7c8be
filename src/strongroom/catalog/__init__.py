"""What comes with Strongroom: what every new Vault has, and the sample Vault. Data, not code."""

from pathlib import Path

HERE = Path(__file__).parent


def standard() -> Path:
    """The seed file of what every new Vault has: lifecycles, document types, fields, rendition types."""
    return HERE / "standard.toml"


def sample() -> Path:
    """The seed file of the sample Vault."""
    return HERE / "sample" / "vault.toml"
