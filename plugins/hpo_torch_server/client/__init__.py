"""The client of the REST API: `hpo-torch remote URL optimize|jobs|watch|stop|fetch ...`.

cli.py               the group and its URL; jobs, stop, pause, resume, rm
  optimizing.py      `optimize`: the local command's options, sent to a server
  watching.py        `watch`, `attach`
  fetching.py        `fetch`
target.py            where the server is, and the key
connection.py        one request, repeated where that is safe
  backoff.py         how long to wait before it is repeated
  refusals.py        what an answer of status 400 or more means
event_stream.py      a job's events over as many connections as it takes
mirror.py            a job's files, brought up to date on this machine
  listing.py         which files there are
  download.py        one file, whole, resumable, verified
  growing_file.py    one file that is only ever appended to
"""

from __future__ import annotations
