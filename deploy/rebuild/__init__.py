"""The command `python -m deploy.rebuild`: makes `call_states` anew from `fragments`.

The calls are derived into a table of their own by the rules of the correlator, then the two tables
change places at once; analysts never see a half of it, and all may run meanwhile.

1. The correlator and the ClickHouse sink catch up with Kafka: what came is in both tables.
2. Which parts `fragment_rows` has is noted: what is in a later part came meanwhile.
3. The day of each existing call is noted: a call keeps it, so it keeps its one row.
4. All fragments are read in the order of their table, one call at a time. A call with no row is
   made, unless it is so new that the correlator is about to make it. A call of which no fragment
   is left keeps its row as it is.
5. The calls of which fragments came meanwhile are derived once more; the two tables are compared.
6. EXCHANGE TABLES. Then both catch up with what Kafka held by then, and the calls of which
   fragments came since are derived into the new table. So an insert that went to the old table
   late is not missed: its fragments are in `fragments`. The old table is dropped.

A partial rebuild first copies the rows that it leaves alone. It mends, and can take wrong knowledge
from, only the calls of that account and of those days (of the rows as they are stored); it finds no
second row of a call on another day, which a whole rebuild joins.

The correlator has a state of its own. A call in it (one with news in the last `state_hours`) is
published with what the state knows when its next fragment comes, wrong knowledge included. After a
change of rules, empty the state first: let the correlator run with `CALLAGENT_STATE_HOURS=0` until
`callagent_calls_expired` stands still, stop it, rebuild, and start it as usual: it goes on from the
rows that were rebuilt, since it looks up the calls that it does not know.
"""
