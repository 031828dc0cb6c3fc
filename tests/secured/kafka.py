"""The local stack's Kafka, with a port more that takes clients with TLS and a password only."""

from pathlib import Path

from deploy.local.kafka import Kafka
from deploy.local.ports import LOOPBACK
from schemas.settings import Settings

USER, PASSWORD = "pipeline", "a:b@c d"
LOGIN = "org.apache.kafka.common.security"


class SecuredKafka(Kafka):
    """A broker that knows one user, by PLAIN and by SCRAM-SHA-512."""

    name = "secured-kafka"
    format_options = ("--add-scram", f"SCRAM-SHA-512=[name={USER},password={PASSWORD}]")

    def __init__(self, settings: Settings, folder: Path, port: int, cert: Path, key: Path) -> None:
        super().__init__(settings, folder / "kafka", folder / "logs")
        self._secured_port = port
        self._store = folder / "broker.pem"
        self._store.write_bytes(key.read_bytes() + cert.read_bytes())

    def configuration(self, controller_port: int) -> dict[str, object]:
        """The one of the local stack, and the port of ours."""
        values = super().configuration(controller_port)
        listener = f"SASL_SSL://{LOOPBACK}:{self._secured_port}"
        ours = "listener.name.sasl_ssl"
        return {
            **values,
            "listeners": f"{values['listeners']},{listener}",
            "advertised.listeners": f"{values['advertised.listeners']},{listener}",
            "listener.security.protocol.map": (
                "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL"
            ),
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
            f"{ours}.ssl.keystore.type": "PEM",
            f"{ours}.ssl.keystore.location": self._store,
            f"{ours}.plain.sasl.jaas.config": (
                f'{LOGIN}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
            ),
            f"{ours}.scram-sha-512.sasl.jaas.config": f"{LOGIN}.scram.ScramLoginModule required;",
        }
