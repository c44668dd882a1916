"""A model card: what somebody who is handed a trained model has to know.

Source: Mitchell et al., Model Cards for Model Reporting, FAT* 2019. Its nine sections, asked in our words.
"""

from bmbench.benchmark.finished.checklist_item import items_of

MODEL_CARD_TITLE = "Model card (Mitchell et al., FAT* 2019)"
MODEL_CARD = items_of(
    (
        "Model details",
        (
            ("1.1", "Who made the model, and when", ""),
            ("1.2", "What kind of model it is", "method ensemble"),
            ("1.3", "How it was trained", "training start model_choice"),
            ("1.4", "Software and machine", "software machine"),
            ("1.5", "Licence, and how to cite it", ""),
            ("1.6", "Where to send questions", ""),
        ),
    ),
    (
        "Intended use",
        (
            ("2.1", "What it is meant for, and for whom", ""),
            ("2.2", "What it is not meant for", ""),
        ),
    ),
    (
        "Factors",
        (
            ("3.1", "Groups of patients, stains, scanners that matter", ""),
            ("3.2", "Which of them were evaluated", "external"),
        ),
    ),
    (
        "Metrics",
        (
            ("4.1", "Measures of performance", "metrics"),
            ("4.2", "The threshold, and how it was chosen", "threshold"),
            ("4.3", "How uncertainty was estimated", "uncertainty"),
        ),
    ),
    (
        "Evaluation data",
        (
            ("5.1", "Data set", "data test_size"),
            ("5.2", "Why these data", ""),
            ("5.3", "Preprocessing", "preprocessing"),
        ),
    ),
    (
        "Training data",
        (
            ("6.1", "Data set and split", "partitions disjoint"),
            ("6.2", "What was learned from", "learned classes artefacts"),
        ),
    ),
    (
        "Quantitative analyses",
        (
            ("7.1", "Results", "performance"),
            ("7.2", "Errors by their cause", "failures"),
            ("7.3", "Results by group of patients, stain or scanner", ""),
        ),
    ),
    ("Ethical considerations", (("8", "Risks, sensitive data, harms", ""),)),
    ("Caveats and recommendations", (("9", "What else a user should know", ""),)),
)
