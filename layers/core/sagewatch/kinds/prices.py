"""What an hour of an instance costs, to say what an idle one wastes: USD, real-time hosting on demand, us-east-1.

Other Regions differ (Europe is some 10 % dearer, São Paulo far more), and so do Savings Plans and private prices: say
"about", and say the Region. A type that is not here has no price, not a price of zero.

AWS's price list cannot be read without credentials where this was written, so these are public copies of it, found on
2026-11-21. A row names two that agree at least:

P  AWS Price List API, AmazonSageMaker, usage type `USE1-Host:…` (real-time hosting, us-east-1), as quoted in public
   repositories that name the day: ml.m5.xlarge 2026-06-27 and 2026-09-28, ml.m5.2xlarge 2026-09-28, ml.g6.xlarge and
   ml.g6.12xlarge 2026-07-30, ml.g6e.2xlarge 2026-09-20
E  the same API for us-east-1, usage type not named, read 2026-08-17: g5 and g6e, partly rounded to the cent
W  the same API for us-west-2 (batch transform, not dated), which has the prices of us-east-1 wherever both are known
F  aws-samples/foundation-model-benchmarking-tool, src/fmbench/configs/pricing.yml, commit 00ef155
Z  aws-samples/easy-amazon-sagemaker-deployments, ezsmdeploy/data/cost.csv, commit 2b93d91: its g5 rows
O  ZindiAfrica/AI-for-Equity-Challenges-Getting-Started-with-AWS-Resources, sagemaker_instance_pricing.md: us-east-2
J  JHUAPL-DTC-TA2/wiki, docs/sagemaker_instances.md (SageMaker Studio, which costs the same)
L  lists for us-east-1 in public code of 2024 and 2025: three or more that agree; a few others carry prices of EC2 or of
   another Region

Left out because copies disagree, or are older than AWS's price cuts of June 2025: p4, p5, inf, trn, m6i, c6i, and more.
"""

import re
from collections.abc import Mapping

AS_OF = "2026-11-21"
REGION = "us-east-1"

PRICES: Mapping[str, float] = {
    "ml.c5.large": 0.102,  # L
    "ml.c5.xlarge": 0.204,  # J L
    "ml.c5.2xlarge": 0.408,  # J L
    "ml.c5.4xlarge": 0.816,  # L
    "ml.c5.9xlarge": 1.836,  # J L
    "ml.g4dn.xlarge": 0.736,  # L
    "ml.g4dn.4xlarge": 1.505,  # O J
    "ml.g4dn.8xlarge": 2.72,  # O J
    "ml.g4dn.12xlarge": 4.89,  # F O
    "ml.g5.xlarge": 1.408,  # E F W Z
    "ml.g5.2xlarge": 1.515,  # E F W Z
    "ml.g5.4xlarge": 2.03,  # W Z J
    "ml.g5.8xlarge": 3.06,  # W Z
    "ml.g5.12xlarge": 7.09,  # F W Z
    "ml.g5.16xlarge": 5.12,  # W Z O
    "ml.g5.24xlarge": 10.18,  # F W Z
    "ml.g5.48xlarge": 20.36,  # F W Z
    "ml.g6.xlarge": 1.1267,  # P W
    "ml.g6.2xlarge": 1.222,  # F W
    "ml.g6.12xlarge": 5.752,  # P F W
    "ml.g6.24xlarge": 8.344,  # F W
    "ml.g6.48xlarge": 16.688,  # F W
    "ml.g6e.xlarge": 2.61,  # E W, to the cent
    "ml.g6e.2xlarge": 2.8026,  # P W
    "ml.g6e.4xlarge": 3.76,  # E W, to the cent
    "ml.g6e.8xlarge": 5.6607,  # E W
    "ml.g6e.12xlarge": 13.12,  # E W, to the cent
    "ml.m5.large": 0.115,  # J L
    "ml.m5.xlarge": 0.23,  # P F L
    "ml.m5.2xlarge": 0.461,  # P J L
    "ml.m5.4xlarge": 0.922,  # L
    "ml.m5.12xlarge": 2.765,  # L
    "ml.m5.24xlarge": 5.53,  # L
    "ml.p3.2xlarge": 3.825,  # F O J
    "ml.p3.8xlarge": 14.688,  # O J
}

# How descriptions of alarms on idling say the price (watch/request.py).
_SAID = re.compile(r"Each instance costs (about \$[\d.,]+ an hour, \$[\d.,]+ a month \([a-z0-9-]+\))")


def said_price(description: str) -> str:
    """Return the price that an alarm's description says, `about $1.41 an hour, $1,014 a month (us-east-1)`, or ""."""
    found = _SAID.search(description)
    return found[1] if found else ""


def hourly(instance_type: str) -> float | None:
    """Return the price of one instance for an hour in us-east-1; None when not known."""
    return PRICES.get(instance_type)
