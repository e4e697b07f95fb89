"""The embedded demo: a made-up payments stream, really trained models, a model server, and a run file."""
