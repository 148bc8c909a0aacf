// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Units, or libraries, for different GPUs in one program.
bool unit_80(const char* name);
bool unit_90a(const char* name);

int main() {
  const bool first = unit_80("sm_80"), second = unit_90a("sm_90a");
  return first && second ? 0 : 1;
}
