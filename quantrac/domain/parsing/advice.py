"""What the sender of a file can do about each reason of a reject, for a logger's vendor."""

from quantrac.domain.parsing.reasons import Reason

ADVICE: dict[Reason, str] = {
    Reason.SIDE_FILE: "Send only the data files; Windows keeps such files beside those it downloaded.",
    Reason.EMPTY_FILE: "Send a file only when there is something in it, and close it before sending it.",
    Reason.NOT_TEXT: "Send plain text in UTF-8, without control bytes in a column, and no archive, "
    "picture or spreadsheet.",
    Reason.NOT_UTF8: "Write UTF-8; a logger that cannot needs `encoding: cp1258` in its registry entry.",
    Reason.TRUNCATED_LINE: "End every line, the last one too, with CRLF; send the whole file again.",
    Reason.TOO_FEW_COLUMNS: "Write name, value, unit, time and status with a TAB between each two of them.",
    Reason.TOO_MANY_COLUMNS: "Write five columns: name, value, unit, time, status, with no TAB inside one.",
    Reason.AMBIGUOUS_COLUMNS: "Put a TAB between the columns: names such as `Vinyl chloride` hold blanks.",
    Reason.BAD_TIME: "Write the time as yyyyMMddHHmmss on the station's clock, such as 20260325000500.",
    Reason.TIME_OUT_OF_RANGE: "Set the logger's clock; it should be synchronised with Vietnam's time.",
    Reason.MISSING_NAME: "Write the parameter's name in the first column, such as PM2.5.",
    Reason.UNKNOWN_PARAMETER: "Have the parameter, or this spelling under `file_names`, added to the "
    "registry entry of the station; files already sent are then read again.",
    Reason.VALUE_NOT_A_NUMBER: "Write digits with a decimal point. Leave the line out where nothing was "
    "measured: a 0 would count as a measurement.",
    Reason.AMBIGUOUS_NUMBER: "Write a decimal point, and nothing between thousands. A logger that cannot "
    "needs `decimal_sign`, the sign before its decimals, in its registry entry.",
    Reason.NOT_DETECTED: "Give the limit of the method with it: `<0.2` or `KPH (<0.2)`.",
    Reason.UNKNOWN_UNIT: "Write the unit as in the circular, such as mg/L, ug/m3, oC or %; empty for pH.",
    Reason.INCOMPATIBLE_UNIT: "Write the unit that the value is really in. Where it is wrong in the logger, "
    "`unit_override` in the registry entry corrects it.",
    Reason.DUPLICATE_LINE: "Write each parameter once a file; nothing is lost by this line.",
    Reason.DUPLICATE_PARAMETER: "Give the two sensors different names, each with its own registry entry.",
    Reason.TOO_MANY_REJECTS: "Put right the lines listed first; the others most likely have the same fault.",
}
"""Reason → one or two sentences."""
