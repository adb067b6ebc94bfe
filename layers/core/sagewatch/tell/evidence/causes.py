"""Decides why something probably failed, and what to do about it, from what SageMaker and the last log lines say. Pure.

The wordings are those that users of SageMaker quote in public: the issue trackers of aws/sagemaker-python-sdk,
aws/amazon-sagemaker-examples, aws/deep-learning-containers, awslabs/awsome-distributed-ai and
DIAGNijmegen/rse-grand-challenge, and AWS's own documentation. SageMaker documents hardly any of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sagewatch.kinds.registry import kind as kind_named


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A known reason: how it is worded (a regular expression), its likely cause and what to do about it.

    Named groups of the wording fill the same names in the cause and the remedy; they match a few plain words only,
    because the text is other people's. `logged` reasons are also looked for in the log. A `special` reason is only that
    of kinds that declare its name among their `causes`; every other may be any kind's.
    """

    name: str
    """Names it in tests, and, if special, among the `causes` of a kind."""
    wording: str
    """The regular expression that the reason or a log line must contain."""
    cause: str
    """The likely cause, as part of a sentence; `{name}` is filled from the wording."""
    short: str = ""
    """The same in 40 characters, for headlines: `failed the /ping health check`; empty where the cause is as short."""
    remedy: str
    """What to do about it, as whole sentences; `{name}` likewise."""
    special: bool = False
    """Whether only kinds that name it among their `causes` can have it."""
    logged: bool = False
    """Whether it is also looked for in the last log lines."""


_CAPACITY = (
    r"CapacityError|Insufficient(?:Instance)?Capacity|Unable to provision requested ML compute capacity"
    r"|(?:not have sufficient|insufficient) capacity|temporarily unavailable in supported availability zones"
)
_DENIED = r"(?:Access ?Denied|not authorized|Forbidden|\b403\b)"

KNOWN = (
    # What SageMaker could not get: it says so, and no container ran.
    Known(
        name="quota",
        # Words of the error ResourceLimitExceeded (SageMaker API, CreateTrainingJob and CreateEndpoint).
        wording=r"account-level service limit '(?P<instance>[\w.-]+) for (?P<use>[\w-]+(?: [\w-]+){0,4}) usage'",
        cause="the account's quota of {instance} for {use} usage is used up",
        short="quota of {instance} used up",
        remedy="Ask Service Quotas for more, stop what is not needed, or use another instance type.",
    ),
    Known(
        name="quota-unnamed",
        wording=r"ResourceLimitExceeded|service limit",
        cause="a quota of the account is used up",
        short="quota used up",
        remedy="Look up SageMaker's quotas in Service Quotas and ask for more, or stop what is not needed.",
    ),
    Known(
        name="endpoint-capacity",
        wording=_CAPACITY,
        special=True,
        cause="AWS has no free instances of this type in the Availability Zones of the endpoint",
        short="no free instances of this type",
        remedy="Name several instance types in InstancePools, allow more subnets, or try again later.",
    ),
    Known(
        name="cluster-capacity",
        wording=_CAPACITY,
        special=True,
        cause="AWS has no free instances of this type in the Availability Zone of the instance group",
        short="no free instances of this type",
        remedy="Check that the zone of the subnet offers the type, reserve a training plan, or try again later.",
    ),
    Known(
        name="capacity",
        wording=_CAPACITY,
        cause="AWS has no free instances of this type at the moment",
        short="no free instances of this type",
        remedy="Run it again later, with another instance type, or in another Region; training plans reserve capacity.",
    ),
    Known(
        name="spot-wait",
        # DescribeTrainingJob, SecondaryStatus; the limit is StoppingCondition's MaxWaitTimeInSeconds.
        wording=r"MaxWaitTimeExceeded|exceeded (?:the )?max(?:imum)? (?:allowed )?wait time",
        cause="spot capacity did not last long enough: the job waited longer than MaxWaitTimeInSeconds",
        short="waited too long for spot capacity",
        remedy="Raise MaxWaitTimeInSeconds, write checkpoints, or train without spot instances.",
    ),
    Known(
        name="spot-interrupted",
        # DescribeTrainingJob, SecondaryStatus Interrupted: the spot instances were taken back.
        wording=r"\bInterrupted\b|[Ss]pot (?:[Ii]nstance )?(?:was )?(?:interrupt|reclaim|terminat)",
        cause="AWS took the spot instances back",
        short="spot instances taken back",
        remedy="Write checkpoints (CheckpointConfig), so that the job resumes, or train without spot instances.",
    ),
    Known(
        name="runtime",
        # DescribeTrainingJob, SecondaryStatus MaxRuntimeExceeded.
        wording=(
            r"Max(?:AutoMLJob)?Runtime(?:Exceeded|InSeconds|Reached)"
            r"|exceeded (?:the )?max(?:imum)? (?:allowed )?runtime"
        ),
        cause="it ran for longer than its stopping condition allows",
        short="ran longer than allowed",
        remedy="Raise MaxRuntimeInSeconds, or look for what takes longer than before.",
    ),
    Known(
        name="addresses",
        wording=r"InsufficientFreeAddressesInSubnet|(?:not|n't) (?:have )?enough free (?:IP )?addresses",
        cause="the subnet has no free IP addresses",
        short="no free IP addresses in the subnet",
        remedy="Use larger or further subnets, or remove network interfaces that are not needed.",
    ),
    # What it names: artifacts, images, data.
    Known(
        name="model-missing",
        wording=r"Could not find model data at",
        cause="there is no model artifact at the address that the model names",
        short="model artifact not found",
        remedy="Check ModelDataUrl, and that the training job wrote its output there.",
    ),
    Known(
        name="model-refused",
        wording=r"Could not access model data at",
        cause="the model's role cannot read the model artifact, or the bucket is in another Region",
        short="model artifact cannot be read",
        remedy="Allow the role s3:GetObject (and s3:ListBucket for uncompressed models), and kms:Decrypt for its key.",
    ),
    Known(
        name="model-too-large",
        wording=r"model data archive is too large",
        cause="the model artifact does not fit on the instance",
        short="model artifact too large for the disk",
        remedy="Use a larger instance type or VolumeSizeInGB, or make the archive smaller.",
    ),
    Known(
        name="image-missing",
        wording=r"manifest unknown|Requested image not found|[Cc]annot find (?:the requested image|repository)",
        cause="the container image or its tag does not exist in the registry",
        short="container image not found",
        remedy="Check the image's address, tag and Region; a lifecycle policy of the repository may have removed it.",
    ),
    Known(
        name="image-refused",
        wording=(
            r"Cannot pull algorithm container|make sure all images included in the model"
            r"|Access denied for repository|\becr:(?:BatchGetImage|GetDownloadUrlForLayer|BatchCheckLayer\w+)\b"
        ),
        cause="the role may not pull the container image from ECR, or the image does not exist",
        short="container image cannot be pulled",
        remedy="Check that the image exists, and allow the pull in the role's policy and in the repository's.",
    ),
    Known(
        name="data-missing",
        wording=r"No S3 objects found under S3 URL",
        cause="there is nothing under the S3 prefix of the input, or the role may not list it",
        short="no input data under the S3 prefix",
        remedy="Check the address and what should have written there, and allow the role s3:ListBucket.",
    ),
    Known(
        name="no-captured-data",
        wording=r"Job inputs had no data",
        cause="there was nothing to monitor: the endpoint captured no requests in that hour",
        short="no captured data to monitor",
        remedy="Check that the endpoint has traffic and that its data capture is on.",
    ),
    Known(
        name="monitored-gone",
        wording=r"[Ee]ndpoint [\w'-]+ does not exist",
        special=True,
        cause="the endpoint to monitor does not exist any more",
        short="monitored endpoint does not exist",
        remedy="Delete the monitoring schedule, or name the endpoint that took its place.",
    ),
    Known(
        name="bucket-missing",
        wording=r"NoSuchBucket|bucket does not exist",
        logged=True,
        cause="the S3 bucket does not exist",
        short="S3 bucket does not exist",
        remedy="Check the bucket's name and Region.",
    ),
    # Permissions: which one, as far as it says.
    Known(
        name="lake-formation",
        wording=r"Insufficient Lake Formation permission",
        cause="Lake Formation does not let the role create the feature group's database or table in Glue",
        short="Lake Formation permission missing",
        remedy="Grant the role the permission in Lake Formation, or bring a Glue table of your own.",
    ),
    Known(
        name="offline-store",
        wording=r"execution role ARN is invalid|role has no access to the bucket",
        special=True,
        cause="the role is wrong, or may not use the bucket of the offline store",
        short="no access to the offline store's bucket",
        remedy="Check the role, and allow it s3:PutObject, s3:PutObjectAcl and s3:GetBucketAcl on the bucket.",
    ),
    Known(
        name="role",
        wording=(
            r"[Cc]ould not assume role|[Uu]nable to assume|(?:cannot|can't) (?:be )?assumed?\b"
            r"|not authorized to perform: sts:AssumeRole"
        ),
        cause="SageMaker cannot take on the role",
        short="role cannot be assumed",
        remedy="Check that the role exists and that its trust policy names sagemaker.amazonaws.com.",
    ),
    Known(
        name="kms",
        wording=rf"(?is)\A(?=.*\bkms\b)(?=.*{_DENIED})",
        cause="the role may not use the KMS key",
        short="no access to the KMS key",
        remedy="Allow kms:Decrypt, kms:GenerateDataKey and kms:CreateGrant in the role's policy and in the key's.",
    ),
    Known(
        name="action",
        wording=r"not authorized to perform: (?P<action>[\w-]+:\w+)",
        logged=True,
        cause="the role may not call {action}",
        short="role may not call {action}",
        remedy="Allow {action} in the role's policy, and look for a policy that denies it.",
    ),
    Known(
        name="s3",
        wording=rf"(?s)\A(?=.*(?:\bS3\b|HeadObject|GetObject|PutObject|ListObjects))(?=.*{_DENIED})",
        cause="the role may not read or write the S3 address",
        short="no access to the S3 address",
        remedy="Allow s3:ListBucket, s3:GetObject and s3:PutObject to the role; look at the bucket's policy and key.",
    ),
    Known(
        name="bucket-refused",
        wording=r"An error occurred \((?:AccessDenied|403)\) when calling the (?P<operation>\w+) operation",
        logged=True,
        cause="the script's call of {operation} was refused: the role lacks the permission",
        short="{operation} refused: permission missing",
        remedy="Allow it in the role's policy, and look at the policy and key of what it called.",
    ),
    Known(
        name="denied",
        wording=r"AccessDenied|[Aa]ccess [Dd]enied",
        cause="the role lacks a permission",
        short="permission missing",
        remedy="Look in CloudTrail for the call that was refused, and allow it in the role's policy.",
    ),
    # Disk and memory.
    Known(
        name="disk",
        # errno(3): 28 is ENOSPC, and its words are these.
        wording=r"[Ii]nsufficient disk space|[Nn]o space left on device|StorageFull|\[Errno 28\]",
        logged=True,
        cause="the disk is full",
        short="disk full",
        remedy="Raise VolumeSizeInGB, keep fewer checkpoints, or stream the data (FastFile).",
    ),
    Known(
        name="gpu-memory",
        # PyTorch raises torch.OutOfMemoryError (torch.cuda's before 2.5), TensorFlow ResourceExhaustedError.
        wording=(
            r"CUDA out of memory|CUDA_ERROR_OUT_OF_MEMORY|torch\.(?:cuda\.)?OutOfMemoryError"
            r"|ResourceExhaustedError|OOM when allocating tensor"
        ),
        logged=True,
        cause="a GPU ran out of memory",
        short="GPU out of memory",
        remedy="Lower the batch size, shard or quantise the model, or use a type with more GPU memory.",
    ),
    Known(
        name="shared-memory",
        # PyTorch, "torch.utils.data": worker processes pass tensors in shared memory, and die by SIGBUS without any.
        wording=r"insufficient shared memory|killed by signal: Bus error",
        logged=True,
        cause="the data loaders ran out of shared memory",
        short="out of shared memory",
        remedy="Use fewer data loader workers or smaller batches.",
    ),
    Known(
        name="java-heap",
        # The Java heap of Spark, or the limit that YARN holds its containers to (Spark, "Running on YARN").
        wording=r"java\.lang\.OutOfMemoryError|Container killed by YARN for exceeding memory limits",
        logged=True,
        cause="Spark ran out of memory",
        short="Spark out of memory",
        remedy="Use a type with more memory, more instances or more partitions.",
    ),
    Known(
        name="memory-137",
        # 137 is 128 + 9: the shell's exit code of a process killed by SIGKILL (Bash manual, "Exit Status").
        wording=r"(?i:exit ?code:? 137\b)",
        logged=True,
        cause="out of memory (exit code 137)",
        short="out of memory",
        remedy="Use a type with more memory or more instances, or work in smaller batches.",
    ),
    Known(
        name="memory",
        wording=(
            r"instance type with more memory|Out of Memory|\bMemoryError\b"
            r"|(?m:(?:^|\s)Killed\s*$)|exit code -9\b|SIGKILL|(?i:oom-?kill)"
        ),
        logged=True,
        cause="out of memory",
        remedy="Use a type with more memory or more instances, or work in smaller batches.",
    ),
    # Hardware, and what many hosts do together.
    Known(
        name="node-reboot",
        wording=r"(?:fault type|[Nn]ode condition) (?P<fault>\w*Reboot)\b",
        special=True,
        cause="the node has a hardware fault that a reboot may mend ({fault})",
        short="node needs a reboot ({fault})",
        remedy="Reboot the node, unless the cluster recovers nodes by itself (NodeRecovery).",
    ),
    Known(
        name="node-broken",
        wording=r"(?:fault type|[Nn]ode condition) (?P<fault>\w+)",
        special=True,
        cause="the node has a hardware fault ({fault})",
        short="node hardware fault ({fault})",
        remedy="Replace the node, unless the cluster recovers nodes by itself (NodeRecovery).",
    ),
    Known(
        name="gpu-broken",
        # NVIDIA, "Xid Errors": what the driver logs of a fault of the device.
        wording=r"uncorrectable ECC error|GPU has fallen off the bus|\bXid\b",
        logged=True,
        cause="a GPU is broken",
        short="GPU broken",
        remedy="Run it again: it gets other instances. On a cluster, replace the node.",
    ),
    Known(
        name="disruption-budget",
        wording=r"PodDisruptionBudget",
        special=True,
        cause="a pod disruption budget keeps the node from being drained",
        short="blocked by a pod disruption budget",
        remedy="Let the pods move: run more replicas, loosen the budget, or delete the pods.",
    ),
    Known(
        name="lifecycle-script",
        wording=r"[Ll]ifecycle scripts? (?:[\w./-]+ )?(?:did not run successfully|failed|exited)",
        special=True,
        cause="the lifecycle script of the cluster failed on a node",
        short="lifecycle script failed",
        remedy="Read its log stream (LifecycleConfig/…), and check the script and the role's access to its bucket.",
    ),
    Known(
        name="notebook-script",
        wording=r"Lifecycle Config\b.*(?:took longer than|failed)",
        special=True,
        cause="the notebook's lifecycle script failed, or took longer than its five minutes",
        short="lifecycle script failed or too slow",
        remedy="Read its log stream (…/LifecycleConfigOnStart or OnCreate); put what takes long in the background.",
    ),
    Known(
        name="nccl",
        # PyTorch, ProcessGroupNCCL: the watchdog ends a process whose collective operation hangs.
        wording=(
            r"Watchdog caught collective operation timeout|NCCL (?:error|timeout)|ncclSystemError|ncclRemoteError"
            r"|NCCL communicator was aborted"
        ),
        logged=True,
        cause="a GPU waited for the others in vain: a host is lost, stuck or out of step",
        short="GPUs lost contact (NCCL)",
        remedy="Look at the other hosts' logs for the first error; check the security group's rules between the hosts.",
    ),
    # The script and its container.
    Known(
        name="module-missing",
        wording=r"No module named '?(?P<module>[\w.]+)",
        logged=True,
        cause="the Python module {module} is not in the container",
        short="Python module {module} missing",
        remedy="Add it to requirements.txt or to the image.",
    ),
    Known(
        name="requirements",
        # Words of pip.
        wording=(
            r"No matching distribution found|InstallRequirementsError"
            r"|Could not find a version that satisfies"
        ),
        logged=True,
        cause="the packages in requirements.txt could not be installed",
        short="requirements.txt could not be installed",
        remedy="Check names, versions and Python version, and that the subnet has a way to the package index.",
    ),
    Known(
        name="import",
        wording=r"\bImportError: ",
        logged=True,
        cause="a Python module could not be imported, mostly because versions do not fit",
        short="Python import failed",
        remedy="Pin the versions that fit the image.",
    ),
    Known(
        name="entry-point",
        wording=r"can't open file '",
        logged=True,
        cause="the script to run is not in the container",
        short="script not in the container",
        remedy="Check the entry point's name and where the source is put.",
    ),
    Known(
        name="architecture",
        # execve(2): ENOEXEC.
        wording=r"[Ee]xec format error",
        logged=True,
        cause="the image was built for another processor than the instance has",
        short="image built for another processor",
        remedy="Build it for the instance's architecture (docker build --platform linux/amd64).",
    ),
    Known(
        name="gpu-driver",
        # CUDA Runtime API: cudaErrorInsufficientDriver and cudaErrorNoKernelImageForDevice.
        wording=(
            r"CUDA driver version is insufficient|NVIDIA driver on your system is too old"
            r"|no kernel image is available for execution"
        ),
        logged=True,
        cause="the image's CUDA version does not fit the instance's driver or GPU",
        short="CUDA version does not fit the GPU driver",
        remedy="Use an image with an older CUDA, a newer instance type, or a newer InferenceAmiVersion.",
    ),
    Known(
        name="gated-model",
        # Exceptions of huggingface_hub, and of requests below it.
        wording=r"GatedRepoError|Cannot access gated repo|401 Client Error",
        logged=True,
        cause="the model hub refused the download: no token, or the licence was not accepted",
        short="model hub refused the download",
        remedy="Accept the model's licence, and give the container a token with access.",
    ),
    Known(
        name="network",
        wording=(
            r"Connect timeout on endpoint URL|ConnectTimeoutError|Could not connect to the endpoint URL"
            r"|Temporary failure in name resolution"
        ),
        logged=True,
        cause="the container could not reach another service",
        short="another service cannot be reached",
        remedy="Give the subnet a VPC endpoint or a NAT gateway, and check security group and network isolation.",
    ),
    Known(
        name="throttled",
        # AWS says it in several ways (botocore, the codes that its retries take for throttling).
        wording=r"ThrottlingException|TooManyRequestsException|Rate exceeded",
        logged=True,
        cause="AWS refused calls because there were too many at once",
        short="throttled by AWS",
        remedy="Run it again, and start fewer at a time.",
    ),
    Known(
        name="no-start",
        wording=r"CannotStartContainerError",
        cause="the container does not start with the command `serve`",
        short="container does not start with serve",
        remedy="Try `docker run <image> serve`; a CUDA too new for the instance's driver looks the same.",
    ),
    Known(
        name="crash",
        # 139 is 128 + 11: SIGSEGV (Bash manual, "Exit Status").
        wording=r"(?i:exit ?code:? 139\b)|SIGSEGV|Segmentation fault",
        logged=True,
        cause="a native library crashed (exit code 139)",
        short="native library crashed (exit code 139)",
        remedy="Check that compiled packages fit each other and the instance's processor.",
    ),
    Known(
        name="bad-response",
        wording=r"Bad HTTP status received from algorithm: (?P<status>\d{3})",
        logged=True,
        cause="the model's container answered a record with HTTP status {status}",
        short="container answered HTTP {status}",
        remedy="Look for the record and the traceback in the log; check ContentType and SplitType.",
    ),
    Known(
        name="no-response",
        wording=r"Unable to get response from algorithm",
        logged=True,
        cause="the model's container did not answer a request in time, or died",
        short="container did not answer in time",
        remedy="Send less at once (MaxPayloadInMB), or allow it longer (InvocationsTimeoutInSeconds).",
    ),
    Known(
        name="bad-input",
        wording=r"Failed to validate input data configuration|Unable to initialize the algorithm|Customer Error",
        logged=True,
        cause="the built-in algorithm refuses its input data or hyperparameters",
        short="algorithm refused its input",
        remedy="Check channel names, content type and hyperparameters against what the algorithm asks for.",
    ),
    Known(
        name="exception",
        wording=(
            r"(?m)(?:^|[\]>]:? ?|ErrorMessage \"|\n)"
            r"(?!(?:sagemaker[\w.]*\.)?(?:ExecuteUserScript|Algorithm|Client|InternalServer|Capacity|CalledProcess|ChildFailed)Error\b)"
            r"(?P<error>(?:[a-zA-Z_]\w*\.)*[A-Z]\w*(?:Error|Exception))(?=:|\s*$)"
        ),
        logged=True,
        cause="the script ended with {error}",
        short="script ended with {error}",
        remedy="Read the last lines of the log, and try the script on a small part of the data.",
    ),
    # What says the least comes last.
    Known(
        name="start-up",
        wording=r"(?i)(?:start-?up|health ?check|model data download)[^\n]{0,60}(?:timed? ?-?out|timeout)",
        special=True,
        cause="the container took too long to load the model",
        short="model took too long to load",
        remedy="Raise ContainerStartupHealthCheckTimeoutInSeconds and ModelDataDownloadTimeoutInSeconds, or load less.",
    ),
    Known(
        name="ping",
        # SageMaker Developer Guide, "Custom Inference Code with Hosting Services": how containers are asked for their
        # health.
        wording=r"did not pass the ping health check",
        cause="the container started, but never answered GET /ping on port 8080: most often the model failed to load",
        short="failed the /ping health check",
        remedy="Look for the first error in the log; if there is none, allow more time for the start or more memory.",
    ),
    Known(
        name="placement",
        wording=r"(?i)(?:insufficient|not enough|lack of)[^\n]{0,60}(?:resource|hardware|memory|accelerator|cpu)",
        special=True,
        cause="the endpoint has no instance with enough free memory, CPU or accelerators for another copy",
        short="no instance has room for another copy",
        remedy="Add instances to the endpoint, ask for less in ComputeResourceRequirements, or run fewer copies.",
    ),
    Known(
        name="no-objective",
        wording=r"No objective metrics found",
        cause="the trials did not print the objective metric as the tuning job expects it",
        short="objective metric never printed",
        remedy="Check the metric definition's regular expression against what the script prints.",
    ),
    Known(
        name="no-trial",
        wording=r"No training jobs? succeeded",
        cause="every trial of the tuning job failed",
        short="every trial failed",
        remedy="Look at the failed trials: they mostly have one cause.",
    ),
    Known(
        name="few-rows",
        wording=r"(?i)(?:at least|minimum (?:of )?|fewer than|less than) ?\d+ (?:valid )?(?:rows|samples|observations)",
        special=True,
        cause="the data set is too small for AutoML",
        short="data set too small",
        remedy="Bring more rows, or check that the target column is filled.",
    ),
    Known(
        name="violations",
        # DescribeProcessingJob, ExitMessage of Model Monitor; ListMonitoringExecutions has it as a status.
        wording=r"CompletedWithViolations|found violations|with \d+ violations",
        cause="the captured data differ from the baseline",
        short="data differ from the baseline",
        remedy="Read constraint_violations.json in the schedule's output; retrain, or renew the baseline.",
    ),
    Known(
        name="internal",
        wording=r"InternalServerError|InternalFailure|[Ww]e encountered an internal error",
        cause="something failed on AWS's side",
        short="error inside AWS",
        remedy="Run it again; if it fails again, open a support case with the ARN.",
    ),
    Known(
        name="download",
        wording=r"Data download failed|NoSuchKey|\(404\) when calling the HeadObject",
        logged=True,
        cause="the input data could not be downloaded: an object is missing, or was replaced meanwhile",
        short="input data not downloaded",
        remedy="Check the S3 address, and that nothing writes there while the job starts.",
    ),
    Known(
        name="upload",
        wording=r"Artifact upload failed",
        cause="the results could not be written to S3",
        short="results could not be written to S3",
        remedy="Check the output address, the role's s3:PutObject and the key of the bucket.",
    ),
    Known(
        name="exit-code",
        wording=r"(?i:exit ?code:? (?P<code>\d{1,3})\b)",
        cause="the script ended with exit code {code}",
        short="exit code {code}",
        remedy="Read the last lines of the log.",
    ),
    Known(
        name="script",
        wording=r"ExecuteUserScriptError|AlgorithmError|See job logs for more information",
        cause="the script or its container failed without saying how",
        short="script failed without saying how",
        remedy="Read the last lines of the log, of all hosts.",
    ),
    Known(
        name="step",
        wording=r"One or multiple steps failed",
        special=True,
        cause="a step of the pipeline failed",
        short="a step failed",
        remedy="Look at the failed step; retry the execution from it once it is mended.",
    ),
)
"""The most specific first: the first that fits counts."""


@dataclass(frozen=True, slots=True)
class Likely:
    """Why something probably failed: the cause, the same in few words, and what to do about it."""

    cause: str
    short: str
    remedy: str


def likely(kind: str, reason: str, log: tuple[str, ...] = ()) -> Likely | None:
    """Return the likely cause and what to do; None when nothing is known of it."""
    fits = known(kind, reason, log)
    if fits is None:
        return None
    row, found = fits
    cause, short, remedy = (text.format(**found) for text in (row.cause, row.short or row.cause, row.remedy))
    return Likely(cause, short, remedy)


def known(kind: str, reason: str, log: tuple[str, ...] = ()) -> tuple[Known, dict[str, str]] | None:
    """Return the first row that fits, with what its named groups found; the latest finding counts."""
    whole = "\n".join((reason, *log))
    found = kind_named(kind)
    own = found.causes if found else frozenset()
    for row in KNOWN:
        if row.special and row.name not in own:
            continue
        # Compiled when first needed, and kept by re: 25 ms that a cold start need not wait for.
        matches = list(re.finditer(row.wording, whole if row.logged else reason))
        if matches:
            return row, {name: value or "" for name, value in matches[-1].groupdict().items()}
    return None
