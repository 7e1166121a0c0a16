"""Views: how a text sees the numbers of one particle, while WIDTH particles are worked on at once.

A group of WIDTH particles lies in memory component by component, WIDTH neighbouring numbers each. An array of groups has the
shape (groups, components, WIDTH) and is C-contiguous; `offset` counts numbers from its start.

| made by                                  | `v[k]` is                                | used for                            |
|------------------------------------------|------------------------------------------|-------------------------------------|
| `view(array, offset, dim)`               | component k of WIDTH particles           | x, v, g, xi, z, out                 |
| `column(array, offset, dim)`             | component k of one of them               | texts that branch on x: slow, exact |
| `table_row(table, row, dim)`             | entry k of one row of a table, all lanes | the mean over all examples          |
| `gathered_row(table, rows, offset, dim)` | entry k of a row of its own in each lane | minibatches                         |

A view supports `v[k]`, `v[k] = ...` and `len(v)`, and nothing else. In interpreted Python all four are numpy slices.

`flat(array)` is all numbers of an array in a row. Kernels hand `flat`s around, not arrays: numba counts references to arrays,
which costs more than the physics.
"""

import operator

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import models, register_model
from numba.np.arrayobj import make_array

from .lanes import WIDTH, LanesType, floats, teach

_INDEX = ir.IntType(64)
_VECTOR = ir.VectorType(ir.DoubleType(), WIDTH)


class ViewType(types.Type):
    """`dim` components (None: of a `flat`) of one quantity, `stride` numbers apart; each an `element`: lanes or a scalar."""

    def __init__(self, kind, dim, stride, element):
        self.kind, self.dim, self.stride, self.element = kind, dim, stride, element
        super().__init__(f"{kind}({dim}, {element})")

    @property
    def number(self):
        """Scalar type of the numbers that the view points at."""
        return types.float64 if isinstance(self.element, LanesType) else self.element


class GatheredRowType(types.Type):
    """A row of `dim` entries of a data table, another one in each lane."""

    def __init__(self, dim):
        self.dim = dim
        super().__init__(f"gathered_row({dim})")


def view_type(dim):
    """The numba type of `view(array, offset, dim)`."""
    return ViewType("view", dim, WIDTH, floats)


def column_type(dim):
    """The numba type of `column(array, offset, dim)`."""
    return ViewType("column", dim, WIDTH, types.float64)


def flat_type(number):
    """The numba type of `flat(array)` for an array of `number`."""
    return ViewType("flat", None, 1, number)


def row_type(dim):
    """The numba type of `table_row(table, row, dim)`."""
    return ViewType("row", dim, 1, types.float64)


@register_model(ViewType)
class _ViewModel(models.PrimitiveModel):
    def __init__(self, manager, fe_type):
        super().__init__(manager, fe_type, manager[fe_type.number].get_data_type().as_pointer())


@register_model(GatheredRowType)
class _GatheredRowModel(models.StructModel):
    def __init__(self, manager, fe_type):
        pointers = types.CPointer(types.float64), types.CPointer(types.int64)
        super().__init__(manager, fe_type, list(zip(("table", "rows"), pointers, strict=True)))


def flat(array):
    """All numbers of a C-contiguous array in a row; it must outlive its `flat`."""
    return array.reshape(-1)


def flat_from(numbers, offset):
    """The flat `numbers` from `offset` on."""
    return numbers[offset:]


def view(array, offset, dim):
    """View of `dim` components of the group whose first number lies at `offset`."""
    return array.reshape(-1)[offset : offset + dim]


def column(array, offset, dim):
    """View of `dim` components of one particle of a group; `offset` is that of the group plus the particle's lane."""
    return array.reshape(-1)[offset : offset + dim]


def table_row(table, row, dim):
    """View of row `row` of the (examples, dim) `table`."""
    return table.reshape(-1)[row * dim : (row + 1) * dim]


def gathered_row(table, rows, offset, dim):
    """View of one row of `table` in each lane; the WIDTH row numbers lie in the int64 array `rows` from `offset` on."""
    return table_row(table, rows.reshape(-1)[offset], dim)


def store_words(array, offset, value):
    """Store the lanes of the int64 or uint64 `value` in the int64 `array` from `offset` on."""
    array.reshape(-1)[offset] = np.asarray(value).astype(np.int64)


def _start_of(context, builder, kind, value):
    """Pointer to the first number of an array or a flat."""
    return value if isinstance(kind, ViewType) else make_array(kind)(context, builder, value).data


def _place(context, builder, sig, args):
    start = context.cast(builder, args[1], sig.args[1], types.intp)
    if getattr(sig.return_type, "kind", None) == "row":
        start = builder.mul(start, _INDEX(sig.return_type.dim))
    return builder.gep(_start_of(context, builder, sig.args[0], args[0]), [start], inbounds=True)


def _strided_type(type_of_dim):
    return lambda array, offset, dim: type_of_dim(dim.literal_value) if isinstance(dim, types.IntegerLiteral) else None


def _gathered(context, builder, sig, args):
    row = cgutils.create_struct_proxy(sig.return_type)(context, builder)
    row.table = _start_of(context, builder, sig.args[0], args[0])
    start = context.cast(builder, args[2], sig.args[2], types.intp)
    row.rows = builder.gep(_start_of(context, builder, sig.args[1], args[1]), [start], inbounds=True)
    return row._getvalue()


def _stored(context, builder, sig, args):
    place = _place(context, builder, sig, args[:2])
    builder.store(args[2], builder.bitcast(place, args[2].type.as_pointer()), align=8)
    return context.get_dummy_value()


def _gathered_type(table, rows, offset, dim):
    return GatheredRowType(dim.literal_value) if isinstance(dim, types.IntegerLiteral) else None


def _length_type(v):
    return types.intp if isinstance(v, (ViewType, GatheredRowType)) and v.dim is not None else None


teach(
    flat,
    lambda array: flat_type(array.dtype) if isinstance(array, types.Array) else None,
    lambda c, b, s, a: _start_of(c, b, s.args[0], a[0]),
)
teach(flat_from, lambda numbers, offset: numbers if isinstance(numbers, ViewType) else None, _place)
teach(view, _strided_type(view_type), _place)
teach(column, _strided_type(column_type), _place)
teach(table_row, _strided_type(row_type), _place)
teach(gathered_row, _gathered_type, _gathered)
teach(store_words, lambda array, offset, value: types.none if isinstance(value, LanesType) else None, _stored)
teach(len, _length_type, lambda c, b, s, a: _INDEX(s.args[0].dim))


@infer_global(operator.getitem)
class _GetComponent(AbstractTemplate):
    def generic(self, args, kws):
        if isinstance(args[0], ViewType) and isinstance(args[1], types.Integer):
            return signature(args[0].element, args[0], types.intp)
        if isinstance(args[0], GatheredRowType) and isinstance(args[1], types.Integer):
            return signature(floats, args[0], types.intp)


@infer_global(operator.setitem)
class _SetComponent(AbstractTemplate):
    def generic(self, args, kws):
        if isinstance(args[0], ViewType) and isinstance(args[1], types.Integer):
            return signature(types.none, args[0], types.intp, args[0].element)


def _counted(builder, dim, component):
    """A negative `component` counts from the end, as in Python (x[k - 1] on a ring). LLVM drops the test if it knows the sign."""
    negative = builder.icmp_signed("<", component, _INDEX(0))
    return builder.select(negative, builder.add(component, _INDEX(dim)), component)


def _address(builder, view, pointer, component):
    component = component if view.dim is None else _counted(builder, view.dim, component)
    place = builder.gep(pointer, [builder.mul(component, _INDEX(view.stride), flags=("nsw",))], inbounds=True)
    return builder.bitcast(place, _VECTOR.as_pointer()) if isinstance(view.element, LanesType) else place


@lower_builtin(operator.getitem, ViewType, types.intp)
def _get(context, builder, sig, args):
    kind, place = sig.args[0].element, _address(builder, sig.args[0], *args)
    return builder.load(place, align=8) if isinstance(kind, LanesType) else context.unpack_value(builder, kind, place)


@lower_builtin(operator.setitem, ViewType, types.intp, types.Any)
def _set(context, builder, sig, args):
    kind, place = sig.args[0].element, _address(builder, sig.args[0], *args[:2])
    if isinstance(kind, LanesType):
        builder.store(args[2], place, align=8)
    else:
        context.pack_value(builder, kind, args[2], place)
    return context.get_dummy_value()


@lower_builtin(operator.getitem, GatheredRowType, types.intp)
def _gather(context, builder, sig, args):
    row = cgutils.create_struct_proxy(sig.args[0])(context, builder, value=args[0])
    column_start = builder.gep(row.table, [_counted(builder, sig.args[0].dim, args[1])], inbounds=True)
    lanes = ir.Constant(_VECTOR, ir.Undefined)
    for lane in range(WIDTH):
        index = builder.load(builder.gep(row.rows, [_INDEX(lane)], inbounds=True))
        start = builder.mul(index, _INDEX(sig.args[0].dim), flags=("nsw",))
        value = builder.load(builder.gep(column_start, [start], inbounds=True))
        lanes = builder.insert_element(lanes, value, ir.IntType(32)(lane))
    return lanes
