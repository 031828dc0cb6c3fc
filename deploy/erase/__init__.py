"""The command `python -m deploy.erase`: erases an account, a mobile, a number or one call.

1. What is concerned is found and counted: the calls, then their fragments, dead letters, log files
   and objects. Without --yes it ends here.
2. The scope and the time go to the topic `erasures`; every processor reads it. From here on
   nothing that was received until then comes in again, be it from the ingress's spool, by a replay
   of Kafka or of dead letters.
3. Each call goes there, too, for ever: its recording may be sent again for weeks. So a call that
   goes on while it is erased is erased as a whole.
4. Objects are deleted, then rows (by a mutation that writes their parts anew).
5. When the processors are level with Kafka, all is looked for again: what was on its way is erased
   like the rest, until nothing is found.
6. A row of `erasures` says when, who, why, and how much; what was erased stands there as a hash.

The correlator forgets the calls that it keeps, with a tombstone in the topic `calls`. What Kafka's
other topics hold goes by their retention; the command names the latest date.

An account or a mobile is what was received until now: the same employee's next call is taken,
unless --for-ever is said. A number is erased from the calls of others, and those calls are erased
entirely: with the other party's number gone, time, length and recording would still tell who it
was to anybody who was there. The number is found however it is written, also in file names and in
the raw text of dead letters; an employee's own number is erased by `mobile`.
"""
