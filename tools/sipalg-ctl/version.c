// SPDX-License-Identifier: GPL-2.0-only
/* sipalg-ctl --version: of this tool and of the module that is loaded. */
#include <stdio.h>
#include <string.h>
#include "ctl.h"
#include "sipalg_version.h"

/* False if no module is loaded; a module without a version has an empty one. */
static bool read_module_version(char *version, int size)
{
	FILE *file = fopen("/sys/module/sipalg/version", "re");

	if (!file)
		return false;
	if (!fgets(version, size, file))
		*version = '\0';
	version[strcspn(version, "\n")] = '\0';
	fclose(file);
	return true;
}

int version_command(bool json)
{
	char module[64];
	bool loaded = read_module_version(module, sizeof(module));

	if (json) {
		printf("{\"tool\":\"" SIPALG_VERSION "\",\"module\":");
		printf(loaded ? "\"%s\"}\n" : "null}\n", module);
		return DONE;
	}
	puts("sipalg-ctl " SIPALG_VERSION);
	if (!loaded)
		puts("The module is not loaded.");
	else
		printf("module %s%s\n", module, strcmp(module, SIPALG_VERSION) ?
		       " (not the tool's version; install both from one source)" : "");
	return DONE;
}
