#include "../../freertos/queue.h"
