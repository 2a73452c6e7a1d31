// SPDX-License-Identifier: GPL-2.0
/*
 * A mains supply and a battery that a test switches: their states are module parameters, which can be written
 * in /sys/module/test_supplies/parameters while the module is loaded. Debian's kernel has no test_power.
 */
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/power_supply.h>

static struct power_supply *mains, *battery;
static int online = 1, capacity = 80;

static int get_mains(struct power_supply *supply, enum power_supply_property what, union power_supply_propval *value)
{
	value->intval = online;
	return 0;
}

static int get_battery(struct power_supply *supply, enum power_supply_property what, union power_supply_propval *value)
{
	switch (what) {
	case POWER_SUPPLY_PROP_STATUS:
		value->intval = online ? POWER_SUPPLY_STATUS_CHARGING : POWER_SUPPLY_STATUS_DISCHARGING;
		return 0;
	case POWER_SUPPLY_PROP_PRESENT:
		value->intval = 1;
		return 0;
	case POWER_SUPPLY_PROP_CAPACITY:
		value->intval = capacity;
		return 0;
	default:
		return -EINVAL;
	}
}

static int set_and_report(const char *text, const struct kernel_param *parameter)
{
	int error = param_set_int(text, parameter);

	if (!error && mains && battery) {
		power_supply_changed(mains);
		power_supply_changed(battery);
	}
	return error;
}

static const struct kernel_param_ops reported = { .set = set_and_report, .get = param_get_int };
module_param_cb(online, &reported, &online, 0644);
module_param_cb(capacity, &reported, &capacity, 0644);

static enum power_supply_property of_mains[] = { POWER_SUPPLY_PROP_ONLINE };
static enum power_supply_property of_battery[] = {
	POWER_SUPPLY_PROP_STATUS, POWER_SUPPLY_PROP_PRESENT, POWER_SUPPLY_PROP_CAPACITY,
};

static const struct power_supply_desc mains_desc = {
	.name = "test_mains", .type = POWER_SUPPLY_TYPE_MAINS, .get_property = get_mains,
	.properties = of_mains, .num_properties = ARRAY_SIZE(of_mains),
};
static const struct power_supply_desc battery_desc = {
	.name = "test_battery", .type = POWER_SUPPLY_TYPE_BATTERY, .get_property = get_battery,
	.properties = of_battery, .num_properties = ARRAY_SIZE(of_battery),
};

static int __init load(void)
{
	mains = power_supply_register(NULL, &mains_desc, NULL);
	if (IS_ERR(mains))
		return PTR_ERR(mains);
	battery = power_supply_register(NULL, &battery_desc, NULL);
	if (IS_ERR(battery)) {
		power_supply_unregister(mains);
		return PTR_ERR(battery);
	}
	return 0;
}

static void __exit unload(void)
{
	power_supply_unregister(battery);
	power_supply_unregister(mains);
}

module_init(load);
module_exit(unload);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A mains supply and a battery for tests");
