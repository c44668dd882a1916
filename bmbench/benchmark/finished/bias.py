"""BIAS: how the design of a biomedical challenge is described.

Source: Maier-Hein et al., BIAS: Transparent reporting of biomedical image analysis challenges, Med Image Anal
2020;66:101796, structured description of a challenge design. The parameters in our words. A run answers for
data, assessment and errors; who organises a challenge answers for the rest.
"""

from bmbench.benchmark.finished.checklist_item import items_of

BIAS_TITLE = "BIAS, design of a challenge (Maier-Hein et al., Med Image Anal 2020;66:101796)"
BIAS = items_of(
    (
        "Organisation",
        (
            ("1", "Name of the challenge", ""),
            ("2", "Who organises it", ""),
            ("3", "Life cycle: once, repeated, open", ""),
            ("4", "Venue and platform", ""),
            ("5", "Who may take part, with which data; prizes, results, publication", ""),
            ("6", "How results are submitted", ""),
            ("7", "Schedule", ""),
            ("8", "Approval by an ethics committee", ""),
            ("9", "Terms of use of the data", ""),
            ("10", "Availability of the code that evaluates, and of the participants' code", "software"),
            ("11", "Conflicts of interest, who can see the test annotations", ""),
        ),
    ),
    (
        "Mission",
        (
            ("12", "Fields of application", ""),
            ("13", "Kind of task", "task"),
            ("14", "Target cohort and challenge cohort", ""),
            ("15", "Imaging modality", "modality"),
            ("16", "Context of images and patients", ""),
            ("17", "What is imaged, and what is to be found", ""),
            ("18", "What is assessed", "metrics"),
        ),
    ),
    (
        "Data",
        (
            ("19", "Devices, protocols and centres", "data"),
            ("20", "What a case is; how many for training and test, and why", "partitions disjoint"),
            ("21", "How cases were annotated, by whom", "reference"),
            ("22", "Preprocessing before release", ""),
            ("23", "Sources of error, of annotation and of images", ""),
        ),
    ),
    (
        "Assessment",
        (
            ("24", "Metrics, and why", "metrics threshold artefacts"),
            ("25", "Ranking", "none: one run has no ranks; boards of a leaderboard have"),
            ("26", "Statistical analyses", "uncertainty"),
            ("27", "Further analyses", "failures external"),
        ),
    ),
)
