"""What Tools/bench consists of. Needs nothing but Python; the peers run in processes of their own with .venv-bench."""
