"""Random calls of tarn.core, held against mlx and NumPy in one process. `python -m differential [--calls N] [--function
NAME]` makes many of them; test_differential.py makes a few of each. A family's rows stand in a file of their own;
docs/design/python.md says how one is written."""
