"""The REST API: start, watch, stop and fetch searches from anywhere.

    hpo-torch serve
      cli.py             options -> ServerSettings; refuses other hosts than loopback without a key
      app.py             create_app: what stands before the routes, the routes, start and stop
        origins.py  rates.py  bodies.py  headers.py        what a request must pass first
        identity.py      whose key it is, what it may do, whose job it asks for
        routes/          thin: read the request, call below, answer with a model
      job_store.py  states.py     jobs, and the states that they may go through: a database
      supervisor.py  processes.py each job is a process of the command line itself, `hpo-torch
                                  optimize` or `resume`, that outlives this server
      run_reader.py  hub.py       a run's folder is read as it grows: nothing asks the study

A job is a run: its id is the run's name, its results are the run's folder. The server process
imports no torch, no Lightning and no Optuna.
"""

from __future__ import annotations
