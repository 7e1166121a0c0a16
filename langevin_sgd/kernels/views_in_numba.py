"""What numba is told of views: where their numbers lie, and the code of `v[k]`."""

import operator

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.imputils import lower_builtin
from numba.core.ir_utils import _add_alias, alias_func_extensions
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import models, register_model
from numba.np.arrayobj import make_array

from . import views
from .lanes import WIDTH, LanesType, floats, resized, single, singles, teach, vector_of
from .precisions import convert
from .views import GatheredRowType, ViewType

_INDEX = ir.IntType(64)


@register_model(ViewType)
class _ViewModel(models.PrimitiveModel):
    def __init__(self, manager, fe_type):
        super().__init__(manager, fe_type, manager[fe_type.number].get_data_type().as_pointer())


@register_model(GatheredRowType)
class _GatheredRowModel(models.StructModel):
    def __init__(self, manager, fe_type):
        pointers = types.CPointer(fe_type.number), types.CPointer(types.int64)
        super().__init__(manager, fe_type, list(zip(("table", "rows"), pointers, strict=True)))


def _copy(context, builder, sig, args):
    start, count = (context.cast(builder, args[k], sig.args[k], types.intp) for k in (2, 3))
    target, source = (builder.gep(args[k], [start], inbounds=True) for k in (0, 1))
    size = context.get_abi_sizeof(target.type.pointee)
    cgutils.raw_memcpy(builder, target, source, count, size)
    return context.get_dummy_value()


def _flat_type_of(given):
    if isinstance(given, types.BaseNamedTuple):
        kinds = [_flat_type_of(one) for one in given]
        return types.BaseTuple.from_types(kinds, given.instance_class)
    return views.flat_type(given.dtype) if isinstance(given, types.Array) else given


def _flattened(context, builder, given, value):
    if isinstance(given, types.BaseNamedTuple):
        parts = zip(given, cgutils.unpack_tuple(builder, value, len(given)), strict=True)
        flats = [_flattened(context, builder, *part) for part in parts]
        return context.make_tuple(builder, _flat_type_of(given), flats)
    return _start_of(context, builder, given, value) if isinstance(given, types.Array) else value


def _start_of(context, builder, kind, value):
    """Pointer to the first number of an array or a flat."""
    return value if isinstance(kind, ViewType) else make_array(kind)(context, builder, value).data


def view_start(context, builder, sig, args):
    """Code of a function that makes a view."""
    start = context.cast(builder, args[1], sig.args[1], types.intp)
    if getattr(sig.return_type, "kind", None) == "row":
        start = builder.mul(start, _INDEX(sig.return_type.dim))
    return builder.gep(_start_of(context, builder, sig.args[0], args[0]), [start], inbounds=True)


def _number_of(array):
    """float32 or float64 (which a view takes everything else for)."""
    number = array.number if isinstance(array, ViewType) else array.dtype
    return number if number == types.float32 else types.float64


def typed_view(type_of):
    """The type of a view of `array`, made by `type_of(dim, number)`."""

    def typed(array, *places):
        if isinstance(places[-1], types.IntegerLiteral):
            return type_of(places[-1].literal_value, _number_of(array))

    return typed


def _gathered(context, builder, sig, args):
    row = cgutils.create_struct_proxy(sig.return_type)(context, builder)
    row.table = _start_of(context, builder, sig.args[0], args[0])
    start = context.cast(builder, args[2], sig.args[2], types.intp)
    rows = _start_of(context, builder, sig.args[1], args[1])
    row.rows = builder.gep(rows, [start], inbounds=True)
    return row._getvalue()


def _stored(context, builder, sig, args):
    place = view_start(context, builder, sig, args[:2])
    builder.store(args[2], builder.bitcast(place, args[2].type.as_pointer()), align=8)
    return context.get_dummy_value()


def _length_type(v):
    return types.intp if isinstance(v, (ViewType, GatheredRowType)) and v.dim is not None else None


def allocate(context, builder, sig, args):
    """Code of `local`."""
    kind = sig.return_type
    numbers = ir.ArrayType(context.get_value_type(kind.number), max(1, kind.dim * kind.stride))
    place = cgutils.alloca_once(builder, numbers)
    place.align = 64
    return builder.bitcast(place, context.get_value_type(kind))


def _part_type(v, start, count):
    if isinstance(v, ViewType) and isinstance(count, types.IntegerLiteral):
        return ViewType(v.kind, count.literal_value, v.stride, v.element, v.number)


def _part(context, builder, sig, args):
    first = context.cast(builder, args[1], sig.args[1], types.intp)
    return builder.gep(args[0], [builder.mul(first, first.type(sig.args[0].stride))], inbounds=True)


teach(views.flat, _flat_type_of, lambda c, b, s, a: _flattened(c, b, s.args[0], a[0]))
# What is stored through them counts: numba drops stores to what it takes for nobody's memory.
for each in (views.flat, views.flat_from, views.view, views.column):
    alias_func_extensions[each.__name__, each.__module__] = lambda made, given, *known: _add_alias(
        made, given[0].name, *known
    )
teach(views.copy_numbers, lambda to, source, start, count: types.none, _copy)
teach(
    views.flat_from,
    lambda numbers, offset: numbers if isinstance(numbers, ViewType) else None,
    view_start,
)
teach(views.view, typed_view(views.view_type), view_start)
teach(views.wide_view, typed_view(views.wide_view_type), view_start)
teach(views.column, typed_view(views.column_type), view_start)
teach(views.table_row, typed_view(views.row_type), view_start)
teach(views.gathered_row, typed_view(GatheredRowType), _gathered)
teach(views.store_words, lambda *given: types.none, _stored)
teach(len, _length_type, lambda c, b, s, a: _INDEX(s.args[0].dim))
teach(views.local, lambda dim, like: typed_view(views.view_type)(like, dim), allocate)
teach(views.part, _part_type, _part)


@infer_global(operator.getitem)
class _GetComponent(AbstractTemplate):
    def generic(self, args, kws):
        if isinstance(args[0], (ViewType, GatheredRowType)) and isinstance(args[1], types.Integer):
            return signature(args[0].element, args[0], types.intp)


@infer_global(operator.setitem)
class _SetComponent(AbstractTemplate):
    def generic(self, args, kws):
        view, place, stored = args
        if not isinstance(view, ViewType) or not isinstance(place, types.Integer):
            return None
        if view.element == floats and view.number != types.float64:
            return None  # a wide view
        lanes, kept = (floats, singles), view.element
        if stored == single and kept == types.float64 or stored in lanes and kept in lanes:
            kept = stored
        return signature(types.none, view, types.intp, kept)


def _counted_back(builder, dim, component):
    """A negative `component` counts from the end, as in Python (x[k - 1] on a ring). LLVM drops the
    test if it knows the sign."""
    negative = builder.icmp_signed("<", component, _INDEX(0))
    return builder.select(negative, builder.add(component, _INDEX(dim)), component)


def _address(builder, view, pointer, component):
    component = component if view.dim is None else _counted_back(builder, view.dim, component)
    start = builder.mul(component, _INDEX(view.stride), flags=("nsw",))
    return builder.gep(pointer, [start], inbounds=True)


def _lanes_at(builder, place, width):
    """(pointer to the `width` floats or doubles at `place`, their alignment)."""
    number = place.type.pointee
    lanes = builder.bitcast(place, vector_of(number, width).as_pointer())
    return lanes, 4 if number == ir.FloatType() else 8


@lower_builtin(operator.getitem, ViewType, types.intp)
def _get(context, builder, sig, args):
    view, place = sig.args[0], _address(builder, sig.args[0], *args)
    if isinstance(view.element, LanesType):
        place, align = _lanes_at(builder, place, view.element.width)
        loaded = builder.load(place, align=align)
        found = resized(builder, loaded, view.element.number)
    else:
        loaded = context.unpack_value(builder, view.number, place)
        found = context.cast(builder, loaded, view.number, view.element)
    if view.kind == "row":  # of a table, which is never written: a GPU has a cache for that
        loaded.set_metadata("invariant.load", builder.module.add_metadata([]))
    return found


@lower_builtin(operator.setitem, ViewType, types.intp, types.Any)
def _set(context, builder, sig, args):
    view, stored, place = sig.args[0], sig.args[2], _address(builder, sig.args[0], *args[:2])
    if isinstance(view.element, LanesType):
        place, align = _lanes_at(builder, place, view.element.width)
        number = getattr(place.type.pointee, "element", place.type.pointee)
        builder.store(resized(builder, args[2], number), place, align=align)
    else:
        value = convert(context, builder, stored, view.element, args[2])
        number = context.cast(builder, value, view.element, view.number)
        context.pack_value(builder, view.number, number, place)
    return context.get_dummy_value()


@lower_builtin(operator.getitem, GatheredRowType, types.intp)
def _gather(context, builder, sig, args):
    row = cgutils.create_struct_proxy(sig.args[0])(context, builder, value=args[0])
    column_start = builder.gep(
        row.table, [_counted_back(builder, sig.args[0].dim, args[1])], inbounds=True
    )
    lanes = ir.Constant(context.get_value_type(sig.return_type), ir.Undefined)
    for lane in range(WIDTH):
        index = builder.load(builder.gep(row.rows, [_INDEX(lane)], inbounds=True))
        start = builder.mul(index, _INDEX(sig.args[0].dim), flags=("nsw",))
        value = builder.load(builder.gep(column_start, [start], inbounds=True))
        lanes = builder.insert_element(lanes, value, ir.IntType(32)(lane))
    return lanes
