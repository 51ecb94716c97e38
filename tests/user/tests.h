/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TEST_TESTS_H
#define TEST_TESTS_H

void corpus_tests(const char *dir);
void host_tests(void);
void name_tests(void);
void form_tests(void);
void grammar_tests(void);
void sdp_tests(void);
void frame_tests(void);
void linear_tests(void);
void nat64_tests(void);
void outer_tests(void);
void plan_tests(const char *dir);

#endif
