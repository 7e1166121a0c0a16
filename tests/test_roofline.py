"""Instructions counted from machine code, and what follows for a GPU: exact on small texts."""

import pytest
from benchmark.roofline import A100, H100, REGISTERS, limit, limits, occupancy, resident_threads
from benchmark.sass import UNITS, blocks_of, by_unit, loops_of, one_pass

# A loop over steps (.L_x_1) with a division's slow path, a reading with an atomic addition that is
# not always due, and a particle that leaves; behind it the trap in which every kernel ends.
TEXT = """
        /*0000*/                   LDC R1, c[0x0][0x28] ;
        /*0010*/               @P0 EXIT ;
.L_x_1:
        /*0020*/                   IMAD.WIDE.U32 R8, R6, -0x2daee0ad, RZ ;
        /*0030*/                   DFMA R16, -R50, R8, 1 ;
        /*0040*/                   MUFU.RCP64H R9, R51 ;
        /*0050*/               @P1 BRA `(.L_x_2) ;
        /*0060*/                   MOV R2, 0x70 ;
        /*0070*/                   CALL.REL.NOINC `($__internal_0) ;
.L_x_2:
        /*0080*/                   DADD R8, R8, -1 ;
        /*0090*/              @!P2 BRA `(.L_x_4) ;
        /*00a0*/                   DSETP.GEU.AND P3, PT, R2, R4, PT ;
        /*00b0*/               @P3 BRA `(.L_x_5) ;
        /*00c0*/                   IADD3 R4, R4, 0x1, RZ ;
        /*00d0*/                   RED.E.ADD.64.STRONG.GPU desc[UR8][R4.64], R6 ;
.L_x_5:
        /*00e0*/                   IADD3 R7, R4, 0x1, RZ ;
.L_x_4:
        /*00f0*/                   UMOV UR4, URZ ;
        /*0100*/               @P4 BRA `(.L_x_1) ;
        /*0110*/                   STG.E.64 desc[UR8][R36.64], R32 ;
        /*0120*/                   EXIT ;
.L_x_9:
        /*0130*/                   BRA `(.L_x_9);
        /*0140*/                   NOP;
"""


def names(through=()):
    return [each.name for each in one_pass(TEXT, through)[0]]


def test_a_pass_takes_the_shortest_way_and_calls_nothing():
    assert names() == [
        *("IMAD.WIDE.U32", "DFMA", "MUFU.RCP64H", "BRA"),
        *("DADD", "BRA", "UMOV", "BRA"),
    ]


def test_a_pass_goes_through_what_it_is_told_to():
    more = ["DSETP.GEU.AND", "BRA", "IADD3", "RED.E.ADD.64.STRONG.GPU", "IADD3"]
    assert names(through=("RED",)) == names()[:6] + more + names()[6:]


def test_the_longest_loop_is_taken_and_inner_ones_are_seen():
    assert len(loops_of(blocks_of(TEXT))) == 2
    assert one_pass(TEXT)[1] is False
    inner = TEXT.replace("@P3 BRA `(.L_x_5)", "@P3 BRA `(.L_x_2)")
    assert one_pass(inner)[1] is True
    with pytest.raises(ValueError, match="no way leads from block"):
        one_pass(TEXT.replace("@P1 BRA", "NOP", 1))


def test_every_instruction_goes_to_its_unit():
    counts = by_unit(one_pass(TEXT)[0])
    expected = {"float64": 2, "multiply": 2, "special": 1, "control": 3, "uniform": 1, "issue": 8}
    assert counts == dict.fromkeys(UNITS, 0) | expected  # a wide product counts twice
    with pytest.raises(ValueError, match="XYZZY.32 belongs to no unit"):
        by_unit(one_pass(TEXT.replace("UMOV", "XYZZY.32"))[0])


def test_the_peaks_are_those_of_the_white_papers():
    """FMA counts as two operations; INT32 as one."""
    assert limits({"float64": 0.5, "float32": 0.5}, H100) == pytest.approx(
        {"float64": 33.5e12, "float32": 66.9e12}, rel=2e-3
    )
    assert limits({"float64": 0.5, "float32": 0.5}, A100) == pytest.approx(
        {"float64": 9.7e12, "float32": 19.5e12}, rel=5e-3
    )


def test_the_slowest_unit_limits():
    assert limit({"float64": 64, "issue": 127}, H100) == ("float64", 132 * 1.98e9)
    assert limit({"float64": 64, "issue": 256}, H100) == ("issue", 132 * 1.98e9 / 2)
    assert limit({"issue": 256}, H100, share=2.0) == ("issue", 132 * 1.98e9)


@pytest.mark.parametrize(
    ("architecture", "registers", "block", "threads"),
    [
        (90, 32, 128, 2048),
        (90, 33, 128, 1536),  # 40 registers a thread: 51 warps, of which 48 fit four schedulers
        (90, 64, 256, 1024),
        (90, 65, 256, 768),
        (90, 255, 256, 256),
        (90, 16, 32, 1024),  # 32 blocks at most
        (75, 64, 128, 1024),
        (120, 40, 128, 1536),
    ],
)
def test_resident_threads_are_those_of_the_guide(architecture, registers, block, threads):
    assert resident_threads(architecture, registers, block) == threads
    assert threads * registers <= REGISTERS
    assert 0 < occupancy(architecture, registers, block) <= 1
