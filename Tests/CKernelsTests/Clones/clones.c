#include "CKernelsClones.h"
