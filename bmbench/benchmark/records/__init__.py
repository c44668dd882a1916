"""What a run leaves on disk and reads back.

::

    options         what a user asks of `bmbench run`, as typed settings
    settings_files  settings in files: those that a search left, those that many methods share
    memory          the most memory that a process has held
    run_folder      the run directory: its files, its lock, whole or not at all; its clock
    run_records     the records of a run as types, and which versions of them are read
    environment     versions, code and machine that a result was made with
    history         what the trainings of a run did, step by step
    loggers         the same for TensorBoard, MLflow, Weights & Biases
    seal            manifests: digests of the files of a finished record
    plugins         the packages of others that made a run
    trained_run     a finished run as something that predicts
"""
