"""``strongroom trust``: the local certificate authority, and what makes each client trust it."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from strongroom.cli.options import DATA_DIR
from strongroom.cli.parts import Parts
from strongroom.config import DEFAULT_DATA_DIR

_ADVICE = """\
The certificate authority of this server is
  {ca}

curl              curl --cacert {ca} ...
Python requests   export REQUESTS_CA_BUNDLE={ca}
Python httpx      export SSL_CERT_FILE={ca}
Node              export NODE_EXTRA_CA_CERTS={ca}
JVM               strongroom trust --export DIR
                  java -Djavax.net.ssl.trustStore=DIR/ca.p12 -Djavax.net.ssl.trustStorePassword=changeit ...
                  or, into the JVM's own store:
                  keytool -importcert -cacerts -noprompt -alias strongroom -storepass changeit -file {ca}
Debian, Ubuntu    sudo cp {ca} /usr/local/share/ca-certificates/strongroom.crt && sudo update-ca-certificates
"""


def add(app: typer.Typer, parts: Parts) -> None:
    """Add the command."""

    @app.command("trust")
    def trust(
        data_dir: Annotated[Path, DATA_DIR] = DEFAULT_DATA_DIR,
        *,
        path: Annotated[bool, typer.Option("--path", help="Print the path of the CA's certificate only.")] = False,
        export: Annotated[
            Path | None,
            typer.Option("--export", metavar="DIR", help="Write ca.pem and ca.p12 (for a JVM) into this folder."),
        ] = None,
    ) -> None:
        """Show the local CA and what makes each client trust it; the CA is made if there is none yet."""
        data_dir = data_dir.expanduser().absolute()
        known = (data_dir / "tls" / "ca.pem").exists()
        authority = parts.certificate_authority(data_dir)
        if not known:
            typer.echo(f"No server has run in {data_dir} yet: a certificate authority was made for it.", err=True)
        if export:
            pem, store = parts.export_trust(data_dir, export.expanduser().absolute())
            typer.echo(f"{pem}\n{store}  (PKCS12 trust store, password changeit)")
            return
        typer.echo(str(authority) if path else _ADVICE.format(ca=shlex.quote(str(authority))), nl=path)
