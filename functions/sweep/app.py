import json, os, boto3
sm = boto3.client("sagemaker"); cw = boto3.client("cloudwatch")
def handler(event, context):
    import sagewatch
    for r in event["Records"]:
        n = json.loads(r["body"])["detail"]["EndpointName"]
        d = sm.describe_endpoint(EndpointName=n)
        cw.put_metric_alarm(AlarmName=f"sagewatch/endpoint/{n}/x/y", Namespace="AWS/SageMaker", MetricName="Invocations", Statistic="Sum", Period=60, EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold")
    return {"batchItemFailures": []}
