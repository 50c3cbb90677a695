"""Every code of a problem: stable, never used again for another meaning, told in docs/codes.md.

`PW1…` are found offline, `PW2…` at run time (S31).
"""

from __future__ import annotations

from enum import Enum


class Code(str, Enum):
    """One kind of problem; its short name is the member's name in camel case."""

    summary: str

    def __new__(cls, code: str, summary: str) -> Code:  # noqa: PYI034  # Self is newer than 3.9
        made = str.__new__(cls, code)
        made._value_ = code
        made.summary = summary
        return made

    def __str__(self) -> str:
        """Give the code alone, on every Python."""
        return str(self.value)

    @property
    def short_name(self) -> str:
        """Give the name that people say: `UnknownField`."""
        return "".join(part.capitalize() for part in self.name.split("_"))

    # Files
    NO_MANIFEST = ("PW1001", "there is no manifest at all")
    EMPTY_FILE = ("PW1002", "a file holds no manifest")
    FILE_TOO_LARGE = ("PW1003", "a file is larger than 4 MiB")
    NOT_UTF8 = ("PW1004", "a file is not UTF-8 text")
    UNREADABLE_PATH = ("PW1005", "a path cannot be read")
    TOO_MANY_DOCUMENTS = ("PW1006", "a file has more than 50,000 documents")
    MORE_PROBLEMS = ("PW1007", "there are more problems than are told")

    # YAML
    BAD_YAML = ("PW1010", "the text is not YAML")
    DUPLICATE_KEY = ("PW1011", "a mapping has a key twice")
    MERGE_KEY = ("PW1012", "a merge key is used")
    FOREIGN_TAG = ("PW1013", "a tag is not of the core schema")
    KEY_NOT_TEXT = ("PW1014", "a key is not text")
    SCALAR_TOO_LONG = ("PW1015", "a scalar is longer than 1 MiB")
    TOO_DEEP = ("PW1016", "a document is nested deeper than 64 levels")
    TOO_MANY_ALIASES = ("PW1017", "aliases make more than 10,000 nodes")
    AMBIGUOUS_SCALAR = ("PW1018", "YAML 1.1 reads a plain scalar otherwise")
    NOT_A_MAPPING = ("PW1019", "a document is not a mapping")
    TOO_MANY_NODES = ("PW1020", "a document has more than 500,000 keys and values")

    # Structure
    MISSING_FIELD = ("PW1030", "a required field is missing")
    UNKNOWN_FIELD = ("PW1031", "a field is not known")
    WRONG_TYPE = ("PW1032", "a value is of another type")
    UNKNOWN_VALUE = ("PW1033", "a value is none of those that the field takes")
    OUT_OF_RANGE = ("PW1034", "a number is out of range")
    EMPTY_VALUE = ("PW1035", "a text or a list is empty")
    UNKNOWN_KIND = ("PW1036", "a kind is not known")
    UNKNOWN_API_VERSION = ("PW1037", "an apiVersion is not known")
    DUPLICATE_NAME = ("PW1038", "two documents of a kind have one name")
    BAD_VALUE = ("PW1039", "a value breaks a rule of its field")

    # Values
    BAD_DURATION = ("PW1040", "a duration is wrong")
    BAD_INSTANT = ("PW1041", "an instant is wrong")
    BAD_DATE = ("PW1042", "a date is wrong")
    BAD_PERCENTAGE = ("PW1043", "a percentage is wrong")
    BAD_WALL_TIME = ("PW1044", "a wall time is wrong")
    BAD_TIMEZONE = ("PW1045", "a time zone is not known")
    BAD_NAME = ("PW1046", "a name is not an RFC 1123 label")
    BAD_SEVERITY = ("PW1047", "a severity is not known")
    BAD_SITE_CODE = ("PW1048", "a site code is wrong")
    BAD_SUBNET = ("PW1049", "a subnet is wrong")
    BAD_LOCATION = ("PW1050", "a location is wrong")
    BAD_DIGEST = ("PW1051", "a digest is not a SHA-256")
    BAD_PATH = ("PW1052", "a path is wrong, or leads out")
    BAD_ADDRESS = ("PW1053", "an e-mail address is wrong")
    WRONG_FORM = ("PW1054", "a mapping has not exactly one of the forms of its field")
    BAD_REPORT_QUERY = ("PW1055", "a report's query is not one SELECT")
    FREEZE_SPAN = ("PW1056", "a freeze does not say exactly once when it holds")
    BAD_ASSERTION = ("PW1057", "an assertion is no expression over a plan")

    # Windows and queries
    BAD_RECURRENCE = ("PW1060", "a recurrence is wrong")
    ANCHOR_MISSING = ("PW1061", "a recurrence needs an anchor")
    BAD_OFFSET = ("PW1062", "an offset is not a whole number of days")
    WINDOW_LENGTH = ("PW1063", "a window has not exactly one of duration and end")
    EMPTY_QUERY = ("PW1064", "a query is empty")
    UNKNOWN_LEAF = ("PW1065", "a part of a query is none that is known")
    WRONG_OPERANDS = ("PW1066", "an operator and its values do not agree")
    BAD_PATTERN = ("PW1067", "a pattern is not RE2")
    BAD_SHARD = ("PW1068", "a shard is wrong")

    # Links between documents
    DANGLING_REFERENCE = ("PW1070", "a document that is named does not exist")
    REFERENCE_CYCLE = ("PW1071", "references form a cycle")
    EXCEPT_AND_ONLY = ("PW1072", "an authorization has both except and only")
    EMPTY_ONLY = ("PW1073", "an authorization's only is empty")
    COLLECTION_BY_UPDATE = ("PW1074", "a phase's collection depends on compliance")
    GATE_MISSING = ("PW1075", "a phase that is not the last has no gate")
    DUPLICATE_PHASE = ("PW1076", "two phases of a rollout have one name")
    CONFLICTING_OPENING = ("PW1077", "a phase's opening contradicts itself")
    DEADLINE_BEFORE_OPENING = ("PW1078", "a deadline is before the opening")
    SOAK_LONGER_THAN_WITHIN = ("PW1079", "a soak is longer than within")
    WINDOW_NEVER_OCCURS = ("PW1080", "a window never occurs")
    WINDOWS_TOO_SHORT = ("PW1081", "windows are too short for a group's maxRuntime")
    STALE_BEFORE_NEXT_SCAN = ("PW1082", "staleAfter is below twice the recurrence")
    GROUP_WITHOUT_UPDATES = ("PW1083", "an update group names and queries nothing")
    SUSPENSION_EXPIRED = ("PW1084", "a suspension has expired")
    ALL_REJECTED = ("PW1085", "everything that an authorization allows is rejected")
    ENDS_BEFORE_IT_BEGINS = ("PW1086", "a span of time ends before it begins")
    DUPLICATE_SITE_CODE = ("PW1087", "two sites have one code")
    INCOMPLETE_RESUME = ("PW1088", "a resume does not say which release and phase")
    WINDOW_ENDED = ("PW1089", "a window's recurrence has ended")
    DUPLICATE_WINDOW = ("PW1090", "two windows of a collection have one name")
    AUTHORIZATION_ENDED = ("PW1091", "an authorization has ended")
    FREEZE_ENDED = ("PW1092", "a freeze is over")
    WAIVER_EXPIRED = ("PW1093", "a waiver has expired")
    WAIVER_FOR_NOBODY = ("PW1094", "a waiver names neither a collection nor computers")

    # Against a catalog
    NO_SUCH_UPDATE = ("PW1130", "the catalog at hand lacks a named update")
    SEVERITY_UNSET = ("PW1131", "a severity query looks at updates without severity")

    # Against a fleet
    FACT_LACKING = ("PW1132", "computers at hand lack a fact that is asked for")
    NO_SUCH_COMPUTER = ("PW1133", "no computer at hand has a name that is written")

    # What is valid and not carried out
    KIND_NOT_YET = ("PW1095", "a kind is not carried out yet")
    FIELD_NOT_YET = ("PW1096", "a field is not carried out yet")
    LEFT_ALONE = ("PW1098", "fmt left something as it was")
    NOT_CHECKED = ("PW1099", "something could not be checked here")

    # More links and logic
    PHASES_MISSING = ("PW1100", "neither a rollout nor its strategy has phases")
    DUPLICATE_BULLETIN = ("PW1101", "two emergencies have one bulletin")
    DUPLICATE_FACT = ("PW1102", "two custom facts have one name")
    FACT_TYPE = ("PW1103", "a query does not fit a fact's declared type")
    AMBIGUOUS_EXIT_CODE = ("PW1104", "an exit code means two things")
    DUPLICATE_CONTENT = ("PW1105", "a file of a custom update stands twice")
    SOURCE_FIELD = ("PW1106", "a field stands in a source of a type that has none")
    BAD_RENAME = ("PW1107", "a document cannot have had the name that it is renamed from")
    RELEASES_MISSING = ("PW1108", "an rpm source does not say for which releases it is")
    DRILL_TOO_SLOW = ("PW1109", "a target of a drill cannot be met or missed in time")

    # Tables
    TABLE_MISSING = ("PW1110", "a table is not there")
    BAD_TABLE = ("PW1111", "a table is not CSV text, or too large")
    BAD_COLUMN = ("PW1112", "a table's column is missing, unknown or there twice")
    BAD_ROW = ("PW1113", "a row of a table is wrong")

    # Policies
    TOO_FEW_APPROVERS = ("PW1120", "a policy asks for more approvers")
    SOAK_TOO_SHORT = ("PW1121", "a policy asks for a longer soak")
    FIRST_PHASE_ELSEWHERE = ("PW1122", "a policy asks for another first phase")
    WAIVER_TOO_LONG = ("PW1123", "a policy asks for a shorter waiver")
    WINDOWS_OVERRIDDEN = ("PW1124", "a policy forbids to override windows")
    WINDOW_REQUIRED = ("PW1125", "a policy asks for maintenance windows")
    POLICY_IMPOSSIBLE = ("PW1126", "a policy asks for more than it allows")
    SERVICE_LEVEL_MISSED = ("PW1127", "a phase cannot meet a policy's service level")
    TOO_MANY_TARGETS = ("PW1128", "a phase targets more computers than a policy allows a day")
    ASSERTION_FAILED = ("PW1129", "a policy's assertion is not true of the plan")

    # Updates of one's own
    CONTENT_NOT_FOUND = ("PW1145", "a file of a custom update is not beside its manifest")
    CONTENT_DIFFERS = ("PW1146", "a file of a custom update has another digest")
    CONTENT_TOO_LARGE = ("PW1147", "a file of a custom update is larger than 64 MiB")
    NOT_REMOVABLE = ("PW1148", "a removal names an update that nothing can remove")

    # At run time
    SITE_CODE_DIFFERS = ("PW2001", "a Site's code is not that of the running site")
    REVISION_NOT_VERIFIED = ("PW2002", "no pinned key vouches for a revision")
    PLAN_NOT_REVIEWED = ("PW2003", "what a commit does is not what was reviewed")


NOT_YET_CODES = frozenset({Code.KIND_NOT_YET.value, Code.FIELD_NOT_YET.value})
"""Warnings of `validate` that refuse a commit in `apply`, so that nothing is ignored."""

CODES = {code.value: code for code in Code}
"""Every code by its text."""
