// SPDX-License-Identifier: MPL-2.0
// The yardstick of `serai check`: simdjson's own DOM parse of the same bytes, and nothing else.
//   parse_bench whole FILE   the file as one document
//   parse_bench lines FILE   each line as a document of its own
//   parse_bench warm FILE    as whole, nine times in memory that is warm; prints the median seconds
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include <simdjson.h>

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	std::FILE *f = std::fopen(argv[2], "rb");
	if (f == nullptr) {
		std::perror(argv[2]);
		return 1;
	}
	std::string text;
	char part[1 << 16];
	for (size_t got; (got = std::fread(part, 1, sizeof part, f)) > 0;)
		text.append(part, got);
	std::fclose(f);
	text.reserve(text.size() + simdjson::SIMDJSON_PADDING);
	simdjson::dom::parser parser;
	size_t documents = 0;
	if (std::strcmp(argv[1], "warm") == 0) {
		std::vector<double> took;
		for (int i = 0; i < 10; i++) {
			auto start = std::chrono::steady_clock::now();
			simdjson::dom::element e;
			if (parser.parse(text.data(), text.size(), false).get(e) != simdjson::SUCCESS)
				return 1;
			std::chrono::duration<double> d = std::chrono::steady_clock::now() - start;
			if (i > 0)
				took.push_back(d.count());
		}
		std::sort(took.begin(), took.end());
		std::printf("%.4f\n", took[took.size() / 2]);
		return 0;
	}
	if (std::strcmp(argv[1], "whole") == 0) {
		simdjson::dom::element e;
		if (parser.parse(text.data(), text.size(), false).get(e) != simdjson::SUCCESS)
			return 1;
		documents = 1;
	} else {
		for (size_t at = 0; at < text.size();) {
			size_t end = text.find('\n', at);
			if (end == std::string::npos)
				end = text.size();
			simdjson::dom::element e;
			if (end > at && parser.parse(text.data() + at, end - at, false).get(e) != simdjson::SUCCESS)
				return 1;
			documents++;
			at = end + 1;
		}
	}
	std::printf("%zu documents, %zu bytes\n", documents, text.size());
	return 0;
}
