"""What the local stack lets roles do under the names that ministack asks for."""

from sagewatch_cli.local.stack.permissions import asked_otherwise

QUEUE = "arn:aws:sqs:us-east-1:123456789012:backfill"


def test_a_batch_is_allowed_where_the_single_call_is_and_nowhere_else() -> None:
    send = {"Sid": "Send", "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": QUEUE}
    read = {"Sid": "Read", "Effect": "Allow", "Action": ["ssm:GetParameter"], "Resource": "*"}

    renamed = list(asked_otherwise({"Statement": [send, read]}))

    assert renamed == [{"Sid": "Send", "Effect": "Allow", "Action": ["sqs:SendMessageBatch"], "Resource": QUEUE}]


def test_a_denial_is_renamed_as_well() -> None:
    deny = {"Effect": "Deny", "Action": ["sqs:DeleteMessage", "sqs:SendMessage"], "Resource": QUEUE}

    [renamed] = asked_otherwise({"Statement": deny})

    assert renamed == {
        "Effect": "Deny",
        "Action": ["sqs:DeleteMessageBatch", "sqs:SendMessageBatch"],
        "Resource": QUEUE,
    }
