#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every layout check can fail: each is shown a tiny tree with one fault."""

import unittest
from pathlib import Path

import bare
import draws
import habits
import includes
import levels
import lengths
import mirror
import twins

HEAD = "// SPDX-License-Identifier: Apache-2.0\n// A file.\n"


class Includes(unittest.TestCase):
    def refused(self, path, line):
        return includes.check({path: line + "\n"})

    def test_an_arrow_that_points_upward_is_found(self):
        self.assertIn("core/io/a.hpp:1", self.refused("core/io/a.hpp", '#include "core/judge/b.hpp"')[0])
        self.assertTrue(self.refused("precision/a.hpp", "#include <core/io/b.hpp>"))
        self.assertTrue(self.refused("reference/a.cpp", '#include "gpu/b.hpp"'))
        self.assertTrue(self.refused("app/a.cpp", '#include "tests/support/catch.hpp"'))

    def test_an_arrow_that_points_downward_is_fine(self):
        self.assertEqual([], self.refused("core/judge/a.hpp", '#include "core/io/b.hpp"'))
        self.assertEqual([], self.refused("tests/laws/a.test.cpp", '#include "app/b.hpp"'))

    def test_a_relative_include_is_found(self):
        self.assertTrue(self.refused("core/io/a.hpp", '#include "b.hpp"'))

    def test_a_heavy_include_in_row_mathematics_is_found(self):
        self.assertTrue(self.refused("core/compressor/rows/a.hpp", "#include <boost/math/x.hpp>"))
        self.assertEqual([], self.refused("core/compressor/rows/a.hpp", "#include <cstdint>"))

    def test_an_oracle_that_borrows_stage_code_is_found(self):
        self.assertTrue(self.refused("reference/oracle.cpp", '#include "core/compressor/rows/softmax.hpp"'))
        self.assertTrue(self.refused("reference/windows.cpp", '#include "core/compressor/kernels/window_frame.hpp"'))
        self.assertTrue(self.refused("reference/pool.hpp", '#include "core/compressor/run.hpp"'))
        self.assertTrue(self.refused("reference/truth.cpp", '#include "core/compressor/evaluator.inl"'))
        self.assertEqual([], self.refused("reference/truth.cpp", '#include "core/compressor/run.hpp"'))
        self.assertEqual([], self.refused("reference/oracle.hpp", '#include "core/compressor/tape.hpp"'))

    def test_a_rule_about_files_that_are_gone_is_found(self):
        files = {name + "x" for name in includes.STAGE_CODE + includes.DATA + includes.ORACLE}
        self.assertEqual([], includes.idle_rules(files))
        gone = {name for name in files if not name.startswith("core/compressor/kernels/")}
        self.assertIn("core/compressor/kernels/", includes.idle_rules(gone)[0])


class Bare(unittest.TestCase):
    def test_code_that_judges_or_records_is_found(self):
        calls = "                 U ulpscope::judge::keep_ledger(ulpscope::judge::LedgerInput const&)"
        kernel = "0000000000000000 W void ulpscope::compressor::kernels::run_steps<ulpscope::precision::Recording>()"
        self.assertEqual(2, len(list(bare.foreign_symbols(calls + "\n" + kernel))))
        plain = "0000000000000000 T ulpscope::compressor::run_fused(ulpscope::compressor::Record const&)"
        self.assertEqual([], list(bare.foreign_symbols(plain)))

    def test_recorders_are_no_part_of_a_run(self):
        self.assertTrue(bare.is_engine("core.dir/compressor/run.cpp.o"))
        self.assertFalse(bare.is_engine("core.dir/compressor/element_record.cpp.o"))
        self.assertFalse(bare.is_engine("core.dir/judge/ledger.cpp.o"))


class Draws(unittest.TestCase):
    def refused(self, line):
        return list(draws.check({"core/compressor/rows/a.hpp": line + "\n"}))

    def test_two_arguments_that_draw_are_found(self):
        self.assertIn("rows/a.hpp:1: f.mul(a, b) and f.mul(c, d)", self.refused("return f.sub(f.mul(a, b), f.mul(c, d));")[0])
        self.assertTrue(self.refused("return ops.compute.div(ops.compute.from(1.0), ops.compute.sqrt(x));"))
        self.assertTrue(self.refused("return f.add(branch(x.even,\n cos), branch(x.odd, sin));"))

    def test_one_argument_that_draws_is_fine(self):
        self.assertEqual([], self.refused("return f.mul(a, f.sub(b, f.mul(c, d)));"))
        self.assertEqual([], self.refused("return f.div(A::constant(1.0), f.sqrt(f.from(channels)));"))
        self.assertEqual([], self.refused("// f.sub(f.mul(a, b), f.mul(c, d))"))


class Twins(unittest.TestCase):
    def files(self, *texts):
        return {f"{i}.hpp": f"namespace ulpscope::a {{\n{text}\n}}  // namespace ulpscope::a\n" for i, text in enumerate(texts)}

    def test_one_name_for_two_types_is_found(self):
        found = list(twins.check(self.files("struct Row {\n};", "class Row : public Line {\n};")))
        self.assertEqual(["ulpscope::a::Row is defined twice: 0.hpp:2, 1.hpp:2"], found)
        self.assertTrue(list(twins.check(self.files("inline namespace v2 {\nenum class Row { a };\n}  // namespace v2", "struct Row {\n};"))))

    def test_nameless_and_other_namespaces_and_declarations_are_fine(self):
        nameless = "namespace {\nstruct Row {\n};\n}  // namespace"
        self.assertEqual([], list(twins.check(self.files(nameless, nameless, "struct Row {\n};", "struct Row;"))))
        other = {"b.hpp": "namespace ulpscope::b {\nstruct Row {\n};\n}  // namespace ulpscope::b\n"}
        self.assertEqual([], list(twins.check({**self.files("struct Row {\n};"), **other})))
        after = self.files(nameless + "\nstruct Row {\n};", "struct Row {\n};")
        self.assertEqual(1, len(list(twins.check(after))))


class Lengths(unittest.TestCase):
    def test_a_long_file_is_found(self):
        self.assertEqual([], list(lengths.check_files({"a.cpp": "\n" * 400})))
        self.assertEqual(1, len(list(lengths.check_files({"a.cpp": "\n" * 401}))))

    def test_a_long_study_is_found_and_its_helpers_are_none(self):
        listed = {"core/studies/studies.cpp": "Study norm();\n", "core/studies/norm_rows.cpp": "\n" * 300}
        self.assertEqual([], list(lengths.check_studies({**listed, "core/studies/norm.cpp": "\n" * 149})))
        self.assertIn("core/studies/norm.cpp:150", list(lengths.check_studies({**listed, "core/studies/norm.cpp": "\n" * 150}))[0])
        self.assertIn("no file of its own", list(lengths.check_studies(listed))[0])
        self.assertTrue(list(lengths.check_studies({})))

    def test_a_long_function_is_found(self):
        tag = {"path": "a.cpp", "line": 1, "end": 50, "name": "f", "kind": "function"}
        self.assertEqual([], list(lengths.check_functions([tag])))
        self.assertEqual(1, len(list(lengths.check_functions([{**tag, "end": 51}]))))

    def test_parameters_are_split_at_top_level_commas(self):
        self.assertEqual(["int a", "std::map<int, int> b", "F c = f(1, 2)"],
                         lengths.parameters("(int a, std::map<int, int> b, F c = f(1, 2)) const"))
        self.assertEqual([], lengths.parameters("()"))

    def test_too_many_parameters_and_booleans_are_found(self):
        tag = {"path": "a.cpp", "line": 1, "name": "f", "kind": "prototype"}
        self.assertEqual([], list(lengths.check_functions([{**tag, "signature": "(int, int, int, int)"}])))
        self.assertTrue(list(lengths.check_functions([{**tag, "signature": "(int, int, int, int, int)"}])))
        self.assertTrue(list(lengths.check_functions([{**tag, "signature": "(bool loud)"}])))

    def test_the_arithmetic_the_sink_and_masks_are_not_counted(self):
        tag = {"path": "a.cpp", "line": 1, "name": "f", "kind": "prototype"}
        signature = "(const Ops<A> & ops, int a, int b, int c, int d, S & sink)"
        self.assertEqual([], list(lengths.check_functions([{**tag, "signature": signature}])))
        self.assertEqual([], list(lengths.check_functions([{**tag, "name": "select", "signature": "(bool m)"}])))


class Habits(unittest.TestCase):
    def faults(self, path, body, head=HEAD):
        return habits.check({path: head + body})

    def test_a_clean_file_is_clean(self):
        self.assertEqual([], self.faults("core/io/a.cpp", "int f();\n"))

    def test_library_code_that_prints_or_reads_the_environment_is_found(self):
        self.assertTrue(self.faults("core/io/a.cpp", "std::cout << 1;\n"))
        self.assertTrue(self.faults("core/io/a.cpp", 'std::getenv("HOME");\n'))
        self.assertEqual([], self.faults("core/io/a.cpp", 'std::snprintf(text, 8, "%d", 1);\n'))
        self.assertEqual([], self.faults("cli/main.cpp", "std::cout << 1;\n"))

    def test_lazy_keep_dims_is_found(self):
        self.assertTrue(self.faults("reference/a.cpp", "e / xt::sum(e, {1}, xt::keep_dims);\n"))
        fine = "xt::sum(e, {1},\n xt::keep_dims | xt::evaluation_strategy::immediate);\n"
        self.assertEqual([], self.faults("reference/a.cpp", fine))

    def test_a_comment_and_a_knowing_line_are_fine(self):
        self.assertEqual([], self.faults("reference/a.cpp", "// keep_dims is lazy\n"))
        self.assertEqual([], self.faults("reference/a.cpp", "xt::sum(e, {1}, xt::keep_dims);  // NOLINT(habits)\n"))

    def test_a_file_left_behind_is_found(self):
        self.assertTrue(list(habits.check_names([Path("bytes")])))
        self.assertEqual([], list(habits.check_names([Path("LICENSE"), Path("scripts/build"), Path("core/a.cpp")])))

    def test_tests_that_cannot_fail_are_found(self):
        self.assertTrue(self.faults("tests/core/a.test.cpp", "CHECK(true);\n"))
        self.assertTrue(self.faults("tests/core/a.test.cpp", 'TEST_CASE("a", "[!mayfail]")\n'))

    def test_missing_first_lines_are_found(self):
        self.assertTrue(self.faults("core/io/a.cpp", "int x;\n", head=""))
        self.assertTrue(self.faults("core/io/a.cpp", "int x;\n", head="// SPDX-License-Identifier: Apache-2.0\n"))
        self.assertTrue(self.faults("core/io/a.hpp", "int f();\n"))

    def test_promises_and_private_paths_are_found(self):
        self.assertTrue(self.faults("core/io/a.cpp", "// TODO: later\n"))
        self.assertTrue(self.faults("README.md", "see /home/me/x\n"))


class Mirror(unittest.TestCase):
    def test_a_test_without_a_counterpart_is_found(self):
        self.assertEqual([], mirror.check(["core/io/npy.hpp", "tests/core/io/npy.test.cpp"]))
        self.assertEqual([], mirror.check(["core/io/npy.hpp", "tests/core/io/round_trip.test.cpp"]))
        self.assertTrue(mirror.check(["core/io/npy.hpp", "tests/core/inout/npy.test.cpp"]))


class Levels(unittest.TestCase):
    def test_a_weak_symbol_outside_its_level_is_found(self):
        listing = "0 W ulpscope::precision::v3::f()\n0 W std::vector<int>::push_back()\n0 T g()\n"
        self.assertEqual(["std::vector<int>::push_back()"], list(levels.shared_symbols("v3", listing)))

    def test_a_symbol_that_nm_cannot_demangle_counts_by_its_namespaces(self):
        listing = "0 W _ZN8ulpscope9precision2v36detail3sumEv\n0 W _ZN8ulpscope9precision4base6detail3sumEv\n"
        self.assertEqual(["_ZN8ulpscope9precision4base6detail3sumEv"], list(levels.shared_symbols("v3", listing)))


if __name__ == "__main__":
    unittest.main()
