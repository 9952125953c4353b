"""All messages by name; whoever needs one of them imports its module, which builds no other."""

from pydantic import BaseModel

from schemas.messages.aggregates import Aggregated, WindowDirty
from schemas.messages.alerts import Alert
from schemas.messages.baseline import Baseline
from schemas.messages.dead_letters import DeadLetterHeaders
from schemas.messages.deliveries import DeliveryReceipt, Receipt, ReceiptDocument, SignedReceipt
from schemas.messages.late_ranges import LateRange
from schemas.messages.open_questions import OpenQuestion
from schemas.messages.raw_file import RawFileHeaders
from schemas.messages.readings import FlaggedSet, ReadingSet
from schemas.messages.redelivery import Redelivery
from schemas.messages.registry.accounts import Account
from schemas.messages.registry.activations import Activation
from schemas.messages.registry.api_keys import ApiKey
from schemas.messages.registry.approvals import Approval
from schemas.messages.registry.decisions import Decision
from schemas.messages.registry.stations import Station
from schemas.messages.registry_requests import RegistryAnswer, RegistryRequest, RegistryRequests
from schemas.messages.rejudge import RejudgeRequest

MESSAGES: dict[str, type[BaseModel]] = {
    "raw-file-headers": RawFileHeaders,
    "reading-set": ReadingSet,
    "flagged-set": FlaggedSet,
    "window-dirty": WindowDirty,
    "aggregated": Aggregated,
    "rejudge": RejudgeRequest,
    "baseline": Baseline,
    "station": Station,
    "account": Account,
    "api-key": ApiKey,
    "rules": Activation,
    "decision": Decision,
    "approval": Approval,
    "registry-request": RegistryRequest,
    "registry-answer": RegistryAnswer,
    "registry-requests": RegistryRequests,
    "open-question": OpenQuestion,
    "redelivery": Redelivery,
    "receipt": Receipt,
    "signed-receipt": SignedReceipt,
    "receipt-document": ReceiptDocument,
    "delivery-receipt": DeliveryReceipt,
    "late-range": LateRange,
    "alert": Alert,
    "dead-letter-headers": DeadLetterHeaders,
}
"""Name of the JSON Schema file -> message."""
