"""A moto that checks what each user may do, and the calls of the tests to it.

It writes its address, then answers each line of JSON with one:
{"as": [access key, secret key] or null for the administrator, "service": "s3", "call": "put_object", "args": {...}}
"""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from moto import settings
from moto.iam.access_control import IAMRequestBase
from moto.server import ThreadedMotoServer

# It signs the query again after its web framework took escapes out of it, and so refuses every prefix with a slash. Who a
# user is says the access key here; what the user may do is what the tests are about.
IAMRequestBase.check_signature = lambda self: None

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
endpoint = "http://{}:{}".format(*server.get_host_and_port())
clients = {}


def client(service, keys):
    name = (service, tuple(keys))
    if name not in clients:
        clients[name] = boto3.client(
            service,
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id=keys[0],
            aws_secret_access_key=keys[1],
            config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}),
        )
    return clients[name]


def call(service, keys, name, args):
    try:
        answer = getattr(client(service, keys), name)(**args)
    except ClientError as error:
        return {"error": error.response["Error"]["Code"]}
    answer.pop("ResponseMetadata", None)
    if hasattr(answer.get("Body"), "read"):
        answer["Body"] = answer["Body"].read().decode()
    return answer


# Without authentication: the one who may do everything. From then on every request is checked.
root = client("iam", ["root", "root"])
root.create_user(UserName="administrator")
everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*", "iam:*"], "Resource": "*"}]}
root.put_user_policy(UserName="administrator", PolicyName="all", PolicyDocument=json.dumps(everything))
key = root.create_access_key(UserName="administrator")["AccessKey"]
administrator = [key["AccessKeyId"], key["SecretAccessKey"]]
settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
print(endpoint, flush=True)

for line in sys.stdin:
    wanted = json.loads(line)
    answer = call(wanted["service"], wanted["as"] or administrator, wanted["call"], wanted["args"])
    print(json.dumps(answer, default=str), flush=True)

server.stop()
