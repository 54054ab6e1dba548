"""What the verdicts of a study carry, judged by the ensemble's own runs, each without its vote."""

import numpy as np

from pryproof.pipeline.ballots import Vote
from pryproof.pipeline.exposure import Case, Exposure, judge, unjudged
from pryproof.pipeline.margins import MARGINS
from pryproof.pipeline.steps.call import Call
from pryproof.pipeline.steps.value import view_of
from pryproof.store.workspace import Stored


def exposure_of(call: Call, value: Stored) -> Exposure:
    """Judge the real members' verdicts; ``call`` is that of the step that made ``value``.

    Strangers are the shadow folds' runs. False positives are counted among evaluation images: none
    of them had a part in a cut or a vote.
    """
    view = view_of(call)
    whole, runs = view.together(), len(value.arrays["rank"])
    if not len(view.strangers.signed):
        return unjudged("no run of this study is a stranger to these samples")
    members, samples = len(view.members), len(view.labels)
    kept = np.concatenate([np.arange(members), np.arange(samples - len(view.held), samples)])
    margin = str(value.facts["margin"])
    voting = np.arange(runs)
    known = MARGINS[margin].of(view.known("real"))[:runs, :members]
    margins = np.full((runs, len(kept)), np.nan)
    margins[:, :members] = known
    settings = call.settings
    how = Vote(
        margin=margin,
        rule=settings["rule"],
        at_least=settings["at_least"],
        share=settings["share"],
        minimum=settings["minimum"],
        by_class=settings["by_class"],
    )
    case = Case(
        said=whole.of_runs(np.arange(len(whole.signed)), kept),
        valued=np.arange(len(kept)) < members,
        runs=voting,
        how=how,
        seed=settings["seed"],
    )
    return judge(case, value.arrays["rank"], margins)
