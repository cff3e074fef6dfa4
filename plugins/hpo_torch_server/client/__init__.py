"""The client of the REST API: `hpo-torch remote URL optimize|jobs|watch|stop|fetch ...`.

cli.py               the group and its URL; jobs, stop, pause, resume, rm
  optimizing.py      `optimize`: the local command's parameters, for a server
    search_request.py  what of them is sent
    syncing.py         `optimize --sync`: `watch` and `fetch` at once
  watching.py        `watch`, `attach`
  fetching.py        `fetch`
target.py            where the server is, and the key
connection.py        one request, repeated where that is safe
  backoff.py         how long to wait before it is repeated
  refusals.py        what an answer of status 300 or more means
jobs.py              jobs as they are read here
event_stream.py      a job's events over as many connections as it takes
following.py         a job's files, once or until it ends
  mirror.py          a folder brought up to date
    listing.py       which files there are, and in which order they are fetched
    download.py      one file, whole: resumable, verified, atomic
    growing_file.py  one log that is only ever appended to
"""

from __future__ import annotations
