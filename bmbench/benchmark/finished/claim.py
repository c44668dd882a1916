"""CLAIM 2024: what a paper on artificial intelligence in medical imaging reports.

Source: Tejani et al., Checklist for Artificial Intelligence in Medical Imaging (CLAIM): 2024 Update, Radiol
Artif Intell 2024;6(4):e240300. The 44 items in our words.
"""

from bmbench.benchmark.finished.checklist_item import items_of

CLAIM_TITLE = "CLAIM, 2024 update (Tejani et al., Radiol Artif Intell 2024;6(4):e240300)"
CLAIM = items_of(
    (
        "Title and abstract",
        (
            ("1", "The title says that it is a study of AI, and of which kind", ""),
            ("2", "The abstract is structured: design, methods, results, conclusions", ""),
        ),
    ),
    (
        "Introduction",
        (
            ("3", "Scientific and clinical background, intended use of the AI", ""),
            ("4", "Aims, objectives and hypotheses", ""),
        ),
    ),
    (
        "Methods: study design",
        (
            ("5", "Prospective or retrospective", ""),
            ("6", "Goal of the study", ""),
        ),
    ),
    (
        "Methods: data",
        (
            ("7", "Data sources", "data"),
            ("8", "Inclusion and exclusion criteria", ""),
            ("9", "Preprocessing", "preprocessing"),
            ("10", "Selection of parts of the data", ""),
            ("11", "De-identification", ""),
            ("12", "How missing data were handled", ""),
            ("13", "How images were acquired", "modality"),
        ),
    ),
    (
        "Methods: reference standard",
        (
            ("14", "How the reference standard was obtained", "reference classes artefacts"),
            ("15", "Why this reference standard", ""),
            ("16", "Who annotated, with which training", ""),
            ("17", "How the test images were annotated", ""),
            ("18", "Variability between and within annotators", ""),
        ),
    ),
    (
        "Methods: partitions",
        (
            ("19", "How data were assigned to partitions", "partitions"),
            ("20", "At which level partitions are disjoint", "disjoint"),
            ("21", "Intended size of the test set", ""),
        ),
    ),
    (
        "Methods: model and training",
        (
            ("22", "The model in detail", "method"),
            ("23", "Software, libraries, packages", "software"),
            ("24", "How parameters were initialised", "start"),
            ("25", "How it was trained", "training learned"),
            ("26", "How the final model was chosen", "model_choice threshold"),
            ("27", "Ensembles", "ensemble"),
        ),
    ),
    (
        "Methods: evaluation",
        (
            ("28", "Metrics", "metrics threshold"),
            ("29", "Statistical measures of uncertainty and significance", "uncertainty"),
            ("30", "Robustness or sensitivity analysis", ""),
            ("31", "Explainability or interpretability", ""),
            ("32", "Evaluation on internal data", "test_size"),
            ("33", "Testing on external data", "external"),
            ("34", "Registration of a clinical trial", "none: a run of a benchmark is no clinical trial"),
        ),
    ),
    (
        "Results",
        (
            ("35", "Numbers of patients or examinations, included and excluded", ""),
            ("36", "Demographic and clinical characteristics of each partition", ""),
            ("37", "Performance, with its uncertainty", "performance uncertainty"),
            ("38", "Estimates of diagnostic performance", "none: cells are located; no diagnosis is made"),
            ("39", "Analysis of failures", "failures"),
        ),
    ),
    (
        "Discussion",
        (
            ("40", "Limitations", ""),
            ("41", "Implications for practice, intended use", ""),
        ),
    ),
    (
        "Other information",
        (
            ("42", "Where the full protocol or further details are", ""),
            ("43", "Availability of software, model and data", "availability"),
            ("44", "Funding, and the role of those who funded", ""),
        ),
    ),
)
