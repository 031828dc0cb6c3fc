"""The local stack's Kafka, with a port more that takes clients with TLS and a password only.

There each process is a user of its own, who may do what the table of rights says and no more.
"""

from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest

from deploy.local.kafka import Kafka
from deploy.local.ports import LOOPBACK
from schemas.access import ACCESS, Rule
from schemas.settings import Settings

PASSWORD = "a:b@c d"
LOGIN = "org.apache.kafka.common.security"
# The numbers that Kafka's protocol has for these words.
KINDS = {"topic": 2, "group": 3}
LITERAL, PREFIXED, ALLOW = 3, 4, 3
OPERATIONS = {
    "Read": 3,
    "Write": 4,
    "Create": 5,
    "Alter": 7,
    "Describe": 8,
    "DescribeConfigs": 10,
    "AlterConfigs": 11,
}


async def give_rights(brokers: str) -> None:
    """Let each process do what the table says."""
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    try:
        for user, access in ACCESS.items():
            for rule in access.rules:
                for operation in rule.operations:
                    await _allow(admin, user, rule, OPERATIONS[operation])
    finally:
        await admin.close()


async def _allow(admin: AIOKafkaAdminClient, user: str, rule: Rule, operation: int) -> None:
    pattern = PREFIXED if rule.prefix else LITERAL
    asked = CreateAclsRequest(
        KINDS[rule.kind], rule.name, pattern, f"User:{user}", "*", operation, ALLOW
    )
    answer = await admin._send_to_controller(asked)
    assert answer.creation_responses[0][0] == 0, answer


class SecuredKafka(Kafka):
    """A broker that knows each process, by PLAIN and by SCRAM-SHA-512."""

    name = "secured-kafka"
    format_options = tuple(
        word
        for user in ACCESS
        for word in ("--add-scram", f"SCRAM-SHA-512=[name={user},password={PASSWORD}]")
    )

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
        users = " ".join(f'user_{user}="{PASSWORD}"' for user in ACCESS)
        return {
            **values,
            "listeners": f"{values['listeners']},{listener}",
            "advertised.listeners": f"{values['advertised.listeners']},{listener}",
            "listener.security.protocol.map": (
                "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL"
            ),
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            # whoever comes by the other port
            "super.users": "User:ANONYMOUS",
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
            f"{ours}.ssl.keystore.type": "PEM",
            f"{ours}.ssl.keystore.location": self._store,
            f"{ours}.plain.sasl.jaas.config": (f"{LOGIN}.plain.PlainLoginModule required {users};"),
            f"{ours}.scram-sha-512.sasl.jaas.config": f"{LOGIN}.scram.ScramLoginModule required;",
        }
