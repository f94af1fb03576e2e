"""Kernel errors as gRPC statuses: the canonical code by errno, and the error itself as a detail.

The detail is the usual one: trailing metadata ``grpc-status-details-bin`` with a serialized ``google.rpc.Status`` that
holds the `SyscallError` packed into an ``Any``, which the gRPC libraries of all languages know how to read.
"""

from __future__ import annotations

from typing import Any, Final, NoReturn

import grpc
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from rumpwire import rump_types_pb2
from rumpwire.errno import Errno, KernelError
from rumpwire.wire import decode_error, encode_error, plain

DETAILS_KEY: Final = "grpc-status-details-bin"
TYPE_URL: Final = "type.googleapis.com/rump.sp.v1.SyscallError"
MAX_TEXT: Final = 1024
"""Characters of the text that travel: it is sent twice, and trailers have to stay below 8 KiB."""

_Code = grpc.StatusCode
_CODES: Final = {
    _Code.NOT_FOUND: "ENOENT ESRCH ENXIO ENODEV ENOATTR ENODATA",
    _Code.ALREADY_EXISTS: "EEXIST",
    _Code.PERMISSION_DENIED: "EPERM EACCES EROFS EAUTH",
    _Code.UNAUTHENTICATED: "ENEEDAUTH",
    _Code.INVALID_ARGUMENT: "EINVAL EBADF EFAULT ENOTDIR EISDIR ENOTTY ENOTSOCK EDESTADDRREQ EMSGSIZE EPROTOTYPE"
    " ENOPROTOOPT E2BIG ENOTBLK ESPIPE EDOM ELOOP ENAMETOOLONG EILSEQ ENOEXEC EFTYPE EPROGMISMATCH",
    _Code.OUT_OF_RANGE: "ERANGE EOVERFLOW EFBIG",
    _Code.UNIMPLEMENTED: "ENOSYS EOPNOTSUPP ENOTSUP EPROTONOSUPPORT ESOCKTNOSUPPORT EPFNOSUPPORT EAFNOSUPPORT",
    _Code.RESOURCE_EXHAUSTED: "ENOMEM ENFILE EMFILE ENOSPC EMLINK EDQUOT ENOBUFS EPROCLIM EUSERS ENOLCK",
    _Code.UNAVAILABLE: "EAGAIN ENETDOWN ENETUNREACH ENETRESET EHOSTDOWN EHOSTUNREACH ECONNREFUSED ECONNRESET",
    _Code.CANCELLED: "EINTR ECANCELED",
    _Code.DEADLINE_EXCEEDED: "ETIMEDOUT ETIME",
    _Code.ABORTED: "EDEADLK ECONNABORTED ESTALE",
    _Code.DATA_LOSS: "EIO",
    _Code.INTERNAL: "EBADRPC EPROTO EBADMSG",
}
"""Everything else is FAILED_PRECONDITION: the state of the object is in the way, and trying again alone is no help."""
_BY_ERRNO: Final = {int(Errno[name]): code for code, names in _CODES.items() for name in names.split()}
_DEFAULT_ERRNO: Final = {
    _Code.UNAVAILABLE: Errno.ENOTCONN,
    _Code.DEADLINE_EXCEEDED: Errno.ETIMEDOUT,
    _Code.CANCELLED: Errno.EINTR,
    _Code.UNIMPLEMENTED: Errno.ENOSYS,
    _Code.UNAUTHENTICATED: Errno.EAUTH,
    _Code.PERMISSION_DENIED: Errno.EACCES,
    _Code.RESOURCE_EXHAUSTED: Errno.EMSGSIZE,
    _Code.INVALID_ARGUMENT: Errno.EINVAL,
}


def code_of(errno: int) -> grpc.StatusCode:
    """The canonical code of an errno."""
    return _BY_ERRNO.get(errno, _Code.FAILED_PRECONDITION)


def details_of(error: KernelError) -> bytes:
    """The serialized ``google.rpc.Status`` of an error."""
    detail = rump_types_pb2.SyscallError()
    encode_error(KernelError(error.errno, error.text[:MAX_TEXT], error.origin[:64]), detail)
    status = _Status(code=code_of(error.errno).value[0], message=plain(str(error)[:MAX_TEXT]))
    status.details.add(type_url=TYPE_URL, value=detail.SerializeToString())
    data: bytes = status.SerializeToString()
    return data


async def abort(context: Any, error: KernelError) -> NoReturn:
    """Ends a call of a grpc.aio server with an error."""
    trailer = ((DETAILS_KEY, details_of(error)),)
    await context.abort(code_of(error.errno), plain(str(error)[:MAX_TEXT]), trailer)
    raise AssertionError("abort returned")


async def parsed(message_class: Any, data: bytes, context: Any) -> Any:
    """A message out of its bytes. Ends the call with EINVAL when they are none: gRPC's own way out is a defect's."""
    try:
        return message_class.FromString(data)
    except DecodeError:
        text = f"{len(data)} bytes that are no {message_class.DESCRIPTOR.name}"
        await abort(context, KernelError(Errno.EINVAL, text, "gateway"))


def error_of(failure: grpc.RpcError) -> KernelError:
    """The kernel's error in a failed call, or where the call failed on its way the errno that says so."""
    call: Any = failure
    for key, value in call.trailing_metadata() or ():
        if key == DETAILS_KEY and (error := _unpack(value)) is not None:
            return error
    code = call.code()
    return KernelError(_DEFAULT_ERRNO.get(code, Errno.EIO), call.details() or code.name)


def _unpack(data: bytes) -> KernelError | None:
    try:
        for detail in _Status.FromString(data).details:
            if detail.type_url == TYPE_URL:
                return decode_error(rump_types_pb2.SyscallError.FromString(detail.value))
    except DecodeError:
        pass
    return None


def _status_class() -> Any:
    """``google.rpc.Status``, in a pool of its own so as not to meet that of googleapis-common-protos."""
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="google/rpc/status.proto", package="google.rpc", syntax="proto3")
    file.dependency.append(any_pb2.DESCRIPTOR.name)
    status = file.message_type.add(name="Status")
    status.field.add(name="code", number=1, type=field.TYPE_INT32, label=field.LABEL_OPTIONAL)
    status.field.add(name="message", number=2, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    kind = ".google.protobuf.Any"
    status.field.add(name="details", number=3, type=field.TYPE_MESSAGE, label=field.LABEL_REPEATED, type_name=kind)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(any_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("google.rpc.Status"))


_Status = _status_class()
