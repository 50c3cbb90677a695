"""How a value of a manifest is refused: with a stable code, and a hint where there is one."""

from __future__ import annotations

from pydantic_core import PydanticCustomError

from reconciler.model.codes import Code


def fault(
    code: Code, message: str, hint: str = "", *, at: tuple[str | int, ...] = ()
) -> PydanticCustomError:
    """Make the error that a validator raises; the message goes on after the field's path.

    `at` leads from what is validated to the value that is at fault.
    """
    # The template stays fixed, because braces in a manifest's text must not be read as fields.
    context = {"message": message, "hint": hint, "at": at}
    return PydanticCustomError(code.value, "{message}", context)


def describe_type(value: object) -> str:
    """Name the type of a manifest's value as its author would."""
    match value:
        case None:
            return "nothing"
        case bool():
            return f"the boolean {str(value).lower()}"
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text {value!r:.80}"
        case list() | tuple():
            return "a list"
        case dict():
            return "a mapping"
        case _:
            return f"a value of type {type(value).__name__}"
