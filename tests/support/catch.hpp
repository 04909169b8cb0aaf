// SPDX-License-Identifier: Apache-2.0
// Catch2, version 2 or 3. Compare floating point with WithinAbs, WithinRel or WithinULP: they exist in both.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
