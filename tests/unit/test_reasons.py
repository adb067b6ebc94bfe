from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagewatch.kinds.registry import KINDS
from sagewatch.tell.evidence.causes import KNOWN, Known, known, likely

ROLE = "arn:aws:iam::123456789012:role/service-role/churn-training"
USER = "User: arn:aws:sts::123456789012:assumed-role/churn-training/SageMaker"
SCRIPT = 'AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage ""\nCommand "/usr/bin/python3 train.py"'

EXAMPLES: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    (
        "quota",
        "endpoint",
        "ResourceLimitExceeded: An error occurred (ResourceLimitExceeded) when calling the CreateEndpoint operation: "
        "The account-level service limit 'ml.g5.2xlarge for endpoint usage' is 0 Instances, with current utilization "
        "of 0 Instances and a request delta of 1 Instances. Please contact AWS support to request an increase.",
        (),
    ),
    ("quota-unnamed", "tuning-job", "ClientError: ResourceLimitExceeded", ()),
    (
        "endpoint-capacity",
        "endpoint",
        "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. Please retry "
        "using a different ML instance type or after some time. Consider configuring InstancePools.",
        (),
    ),
    (
        "cluster-capacity",
        "cluster",
        "We currently do not have sufficient capacity for the requested instance type(s). Please try again.",
        (),
    ),
    (
        "capacity",
        "training-job",
        "CapacityError: Unable to provision requested ML compute capacity. "
        "Please retry using a different ML instance type.",
        (),
    ),
    ("spot-wait", "training-job", "MaxWaitTimeExceeded: The job exceeded the maximum allowed wait time.", ()),
    ("spot-interrupted", "training-job", "Interrupted: Training job interrupted by spot reclaim.", ()),
    ("runtime", "automl-job", "MaxAutoMLJobRuntimeReached", ()),
    (
        "addresses",
        "processing-job",
        "ClientError: InsufficientFreeAddressesInSubnet: The subnet has insufficient free addresses.",
        (),
    ),
    ("model-missing", "endpoint", "Could not find model data at s3://churn-models/v7/model.tar.gz.", ()),
    (
        "model-refused",
        "transform-job",
        "Could not access model data at s3://churn-models/v7/model.tar.gz. Please ensure that the role "
        f'"{ROLE}" exists and that its trust relationship policy allows the action "sts:AssumeRole" for the service '
        'principal "sagemaker.amazonaws.com". Also ensure that the role has "s3:GetObject" permissions.',
        (),
    ),
    (
        "model-too-large",
        "endpoint",
        "The model data archive is too large. Please reduce the size of the model data archive or move to an instance "
        "type with more memory.",
        (),
    ),
    (
        "image-missing",
        "processing-job",
        "ClientError: API error (404): manifest for 123456789012.dkr.ecr.us-west-2.amazonaws.com/features:7 not found: "
        "manifest unknown: Requested image not found",
        (),
    ),
    (
        "image-refused",
        "training-job",
        "ClientError: Cannot pull algorithm container. Either the image does not exist or its permissions are "
        "incorrect.",
        (),
    ),
    (
        "data-missing",
        "training-job",
        'ClientError: No S3 objects found under S3 URL "s3://churn-data/2026-11/" given in input data source. Please '
        "ensure that the bucket exists in the selected region (eu-west-1), that objects exist under that S3 prefix, "
        f'and that the role "{ROLE}" has "s3:ListBucket" permissions on bucket "churn-data".',
        (),
    ),
    ("no-captured-data", "monitoring-schedule", "Job inputs had no data", ()),
    ("monitored-gone", "monitoring-schedule", "The endpoint churn-prod does not exist.", ()),
    (
        "bucket-missing",
        "feature-group",
        "The specified bucket does not exist (Service: Amazon S3; Status Code: 404; Error Code: NoSuchBucket)",
        (),
    ),
    (
        "lake-formation",
        "feature-group",
        "Insufficient Lake Formation permission(s): Required Create Database on Catalog (Service: AWSGlue; Status "
        "Code: 400; Error Code: AccessDeniedException; Request ID: 2e3e108b; Proxy: null)",
        (),
    ),
    (
        "offline-store",
        "feature-group",
        "Validation Errors: The execution role ARN is invalid or the role has no access to the bucket.",
        (),
    ),
    ("role", "feature-group", f"ValidationException: Could not assume role {ROLE}. Please ensure that it exists.", ()),
    (
        "kms",
        "processing-job",
        f"ClientError: {USER} is not authorized to perform: kms:Decrypt on resource: "
        "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555",
        (),
    ),
    (
        "action",
        "pipeline",
        f"ClientError: Failed to invoke sagemaker:CreateTrainingJob. Error Details: {USER} is not authorized to "
        "perform: sagemaker:AddTags on resource: arn:aws:sagemaker:eu-west-1:123456789012:training-job/train",
        (),
    ),
    ("s3", "training-job", "ClientError: Data download failed: S3 GetObject: Access Denied (403)", ()),
    (
        "bucket-refused",
        "training-job",
        SCRIPT,
        (
            "botocore.exceptions.ClientError: An error occurred (AccessDenied) when calling the PutObject operation: "
            "Access Denied",
        ),
    ),
    ("denied", "notebook", "AccessDeniedException: the request was refused", ()),
    ("disk", "training-job", "ClientError: Artifact upload failed:Insufficient disk space", ()),
    (
        "gpu-memory",
        "training-job",
        SCRIPT,
        (
            "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of "
            "21.99 GiB of which 1.24 GiB is free.",
        ),
    ),
    (
        "shared-memory",
        "training-job",
        SCRIPT,
        (
            "ERROR: Unexpected bus error encountered in worker. This might be caused by insufficient shared memory "
            "(shm).",
        ),
    ),
    ("java-heap", "processing-job", SCRIPT, ("java.lang.OutOfMemoryError: Java heap space",)),
    ("memory-137", "training-job", "AlgorithmError: ExecuteUserScriptError:\nExitCode 137", ()),
    (
        "memory",
        "processing-job",
        "ClientError: Please use an instance type with more memory, or reduce the size of job data processed on an "
        "instance.",
        (),
    ),
    (
        "node-reboot",
        "cluster",
        "Node condition NvidiaErrorReboot is now: True, reason: XidHardwareFailure, message: "
        '"NVRM: Xid (PCI:0000:b9:00): 71, pid=<unknown>, NVLink: fatal error detected on link 6"',
        (),
    ),
    (
        "node-broken",
        "cluster",
        "HyperPod Health Monitoring Agent (HMA) has detected fault type NvidiaErrorTerminate on this node and is "
        "unhealthy.",
        (),
    ),
    (
        "gpu-broken",
        "transform-job",
        SCRIPT,
        ("RuntimeError: CUDA error: uncorrectable ECC error encountered",),
    ),
    (
        "disruption-budget",
        "cluster",
        "Instance i-0123456789abcdef0 in IG workers skipped due to PodDisruptionBudget constraint.",
        (),
    ),
    (
        "lifecycle-script",
        "cluster",
        'Instance i-0123456789abcdef0 failed to provision with the following error: "Lifecycle scripts did not run '
        'successfully. Ensure the scripts exist in provided S3 path, are accessible, and run without errors."',
        (),
    ),
    (
        "notebook-script",
        "notebook",
        "Notebook Instance Lifecycle Config 'arn:aws:sagemaker:eu-west-1:123456789012:notebook-instance-lifecycle-"
        "config/setup' for Notebook Instance 'arn:aws:sagemaker:eu-west-1:123456789012:notebook-instance/lab' took "
        "longer than 5 minutes. Please check your CloudWatch logs for more details.",
        (),
    ),
    (
        "nccl",
        "training-job",
        SCRIPT,
        (
            "[rank0]:[E1218 20:27:21.426 ProcessGroupNCCL.cpp:629] [Rank 0] Watchdog caught collective operation "
            "timeout: WorkNCCL(SeqNum=1, OpType=BROADCAST, Timeout(ms)=600000) ran for 600081 milliseconds before "
            "timing out.",
        ),
    ),
    (
        "module-missing",
        "endpoint",
        "The primary container for production variant AllTraffic did not pass the ping health check. Please check "
        "CloudWatch logs for this endpoint.",
        ("ModuleNotFoundError: No module named 'numpy._core.multiarray'",),
    ),
    (
        "requirements",
        "training-job",
        "AlgorithmError: InstallRequirementsError:\nExitCode 1",
        ("ERROR: No matching distribution found for churn-features==9.9",),
    ),
    (
        "import",
        "training-job",
        SCRIPT,
        ("ImportError: cannot import name 'url_quote' from 'werkzeug.urls' (/opt/conda/lib/werkzeug/urls.py)",),
    ),
    (
        "entry-point",
        "processing-job",
        SCRIPT,
        ("python3: can't open file '/opt/ml/processing/input/code/prepare.py': [Errno 2] No such file or directory",),
    ),
    ("architecture", "endpoint", "CannotStartContainerError.", ("exec /usr/bin/serve: exec format error",)),
    (
        "gpu-driver",
        "training-job",
        SCRIPT,
        ("RuntimeError: The NVIDIA driver on your system is too old (found version 11040).",),
    ),
    (
        "gated-model",
        "endpoint",
        "The primary container for production variant AllTraffic did not pass the ping health check.",
        ("huggingface_hub.errors.GatedRepoError: 401 Client Error. Cannot access gated repo for url",),
    ),
    (
        "network",
        "processing-job",
        SCRIPT,
        ('botocore.exceptions.ConnectTimeoutError: Connect timeout on endpoint URL: "https://sts.amazonaws.com/"',),
    ),
    (
        "throttled",
        "pipeline",
        "ClientError: Failed to invoke sagemaker:CreateProcessingJob. Error Details: Rate exceeded. Retry not "
        "attempted.",
        (),
    ),
    (
        "no-start",
        "endpoint",
        "CannotStartContainerError. Please ensure the model container for variant blue starts correctly when invoked "
        "with 'docker run <image> serve'",
        (),
    ),
    ("crash", "training-job", "AlgorithmError: Exit Code: 139", ()),
    (
        "bad-response",
        "transform-job",
        "ClientError: See job logs for more information",
        ("2026-03-14T23:56:26.572:[sagemaker logs]: bucket/1.jpg: Bad HTTP status received from algorithm: 500",),
    ),
    (
        "no-response",
        "transform-job",
        "AlgorithmError: See job logs for more information",
        ("2026-10-14T04:53:51.549:[sagemaker logs]: bucket/ips.csv: Unable to get response from algorithm",),
    ),
    (
        "bad-input",
        "training-job",
        "ClientError: Unable to initialize the algorithm. Failed to validate input data configuration. (caused by "
        "ValidationError)",
        (),
    ),
    (
        "exception",
        "training-job",
        SCRIPT,
        ("Traceback (most recent call last):", '  File "train.py", line 8, in <module>', "KeyError: 'churned'"),
    ),
    (
        "start-up",
        "endpoint",
        "The container for production variant AllTraffic exceeded the container startup health check timeout.",
        (),
    ),
    (
        "ping",
        "endpoint",
        "The primary container for production variant AllTraffic did not pass the ping health check. Please check "
        "CloudWatch logs for this endpoint.",
        (),
    ),
    (
        "placement",
        "inference-component",
        "There is not enough hardware resources on the instances for this endpoint to create a copy of the inference "
        "component.",
        (),
    ),
    (
        "no-objective",
        "tuning-job",
        "No objective metrics found after running 5 training jobs. Please ensure that the custom algorithm is emitting "
        "the objective metric as defined by the regular expression provided.",
        (),
    ),
    (
        "no-trial",
        "tuning-job",
        "No training job succeeded after 5 attempts. Please take a look at the training job failures to get more "
        "details.",
        (),
    ),
    ("few-rows", "automl-job", "ClientError: The data set must have at least 500 rows.", ()),
    (
        "violations",
        "monitoring-schedule",
        "CompletedWithViolations: Job completed successfully with 8 violations.",
        (),
    ),
    ("internal", "processing-job", "InternalServerError: We encountered an internal error.  Please try again.", ()),
    (
        "download",
        "training-job",
        "ClientError: Data download failed:NoSuchKey (404): The specified key does not exist.",
        (),
    ),
    ("upload", "training-job", "ClientError: Artifact upload failed: the output path was rejected", ()),
    ("exit-code", "processing-job", "AlgorithmError: See job logs for more information, exit code: 2", ()),
    (
        "script",
        "training-job",
        'AlgorithmError: ExecuteUserScriptError:\nCommand "/miniconda3/bin/python -m train --C 0.00038"',
        (),
    ),
    ("step", "pipeline", "Step failure: One or multiple steps failed.", ()),
)


def met(kind: str, reason: str, log: tuple[str, ...] = ()) -> str:
    """Return the name of the row that fits."""
    found = known(kind, reason, log)
    return found[0].name if found else ""


@pytest.mark.parametrize(("name", "kind", "reason", "log"), EXAMPLES, ids=[name for name, *_ in EXAMPLES])
def test_each_real_wording_meets_its_own_row(name: str, kind: str, reason: str, log: tuple[str, ...]) -> None:
    assert met(kind, reason, log) == name


def test_every_row_has_an_example() -> None:
    assert [row.name for row in KNOWN] == [name for name, *_ in EXAMPLES]


@pytest.mark.parametrize("row", KNOWN, ids=lambda row: row.name)
def test_a_row_says_a_cause_that_a_headline_can_hold_and_a_remedy_in_whole_sentences(row: Known) -> None:
    assert row.special == any(row.name in each.causes for each in KINDS)
    assert re.fullmatch(r"[a-zA-Z].*[^.]", row.cause)
    assert re.fullmatch(r"[A-Z].*\.", row.remedy)
    assert max(len(row.cause), len(row.remedy)) <= 130
    assert len(row.short or row.cause) <= 40


@pytest.mark.parametrize(
    ("kind", "reason", "log", "name"),
    [
        ("training-job", "AlgorithmError: ExecuteUserScriptError:\nExitCode 137", ("Killed",), "memory-137"),
        ("training-job", "AlgorithmError: , exit code: 137", (), "memory-137"),
        ("training-job", SCRIPT, ("08:59:33 Killed", "08:59:33 Reporting training FAILURE"), "memory"),
        ("processing-job", SCRIPT, ("MemoryError",), "memory"),
        ("processing-job", "ClientError: Artifact upload failed:ClientError: Out of Memory.", (), "memory"),
        ("training-job", "InternalServerError: We encountered an internal error.", ("Killed",), "memory"),
        ("training-job", "ClientError: Data download failed:Insufficient disk space", (), "disk"),
        ("endpoint", "Could not download", ('Os { code: 28, kind: StorageFull, message: "No space" }',), "disk"),
        ("inference-component", "InsufficientInstanceCapacity", (), "endpoint-capacity"),
        (
            "cluster",
            "Instance type 'ml.g5.48xlarge' is temporarily unavailable in supported availability zones [euw1-az1].",
            (),
            "cluster-capacity",
        ),
        (
            "training-job",
            "ClientError: Access denied for repository: churn in registry ID: 123456789012. Please check if your ECR "
            f"repository and image exist and role {ROLE} has proper pull permissions",
            (),
            "image-refused",
        ),
        (
            "endpoint",
            "Please make sure all images included in the model for the production variant blue exist, and that the "
            "execution role used to create the model has permissions to access them.",
            (),
            "image-refused",
        ),
        ("cluster", "Lifecycle script on_create.sh exited with code 1.", (), "lifecycle-script"),
        ("training-job", "AlgorithmError: interrupted by KeyboardInterrupt", (), "script"),
    ],
)
def test_the_most_specific_row_counts(kind: str, reason: str, log: tuple[str, ...], name: str) -> None:
    assert met(kind, reason, log) == name


def test_the_cause_names_what_the_wording_names() -> None:
    found = {name: likely(kind, reason, log) for name, kind, reason, log in EXAMPLES}
    causes = {name: each.cause for name, each in found.items() if each}

    assert [causes[name] for name in ("quota", "action", "module-missing", "bad-response", "exception")] == [
        "the account's quota of ml.g5.2xlarge for endpoint usage is used up",
        "the role may not call sagemaker:AddTags",
        "the Python module numpy._core.multiarray is not in the container",
        "the model's container answered a record with HTTP status 500",
        "the script ended with KeyError",
    ]


@pytest.mark.parametrize(
    ("reason", "log", "error"),
    [
        ("AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage \"KeyError: 'x'\"", (), "KeyError"),
        (SCRIPT, ("ValueError: first", "TypeError: last"), "TypeError"),
        (SCRIPT, ("[1,mpirank:0,algo-1]<stderr>:xgboost.core.XGBoostError: bad",), "xgboost.core.XGBoostError"),
        (SCRIPT, ("[rank3]: RuntimeError: shapes do not fit",), "RuntimeError"),
        (SCRIPT, ("AssertionError", "sagemaker-training ERROR Reporting training FAILURE"), "AssertionError"),
        (
            SCRIPT,
            ("FloatingPointError: x", "sagemaker_training.errors.ExecuteUserScriptError: 1"),
            "FloatingPointError",
        ),
    ],
)
def test_the_last_exception_of_the_script_is_named(reason: str, log: tuple[str, ...], error: str) -> None:
    found = likely("training-job", reason, log)

    assert found
    assert (found.cause, found.short) == (f"the script ended with {error}", f"script ended with {error}")


def test_what_is_not_known_is_left_unsaid() -> None:
    assert likely("training-job", "Something nobody has documented happened", ("epoch 3",)) is None
    assert likely("training-job", "") is None


def test_a_row_of_one_kind_says_nothing_of_another() -> None:
    assert likely("training-job", "Step failure: One or multiple steps failed") is None


def test_what_infrastructure_says_is_not_looked_for_in_a_script_s_log() -> None:
    assert likely("training-job", "odd", ("CapacityError: the shop is full",)) is None


@given(st.text(max_size=400), st.lists(st.text(max_size=200), max_size=12))
def test_any_text_is_read_without_an_error(reason: str, log: list[str]) -> None:
    found = likely("training-job", reason, tuple(log))

    assert found is None or (found.cause and found.short and found.remedy)


@pytest.mark.parametrize("text", ["a" * 6000, "A." * 3000, "S3 " * 2000, "kms " * 2000, "start-up " * 700])
def test_no_wording_goes_back_and_forth_over_long_text(text: str) -> None:
    assert likely("endpoint", text, (text,)) is None
