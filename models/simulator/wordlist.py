"""Neutral names, so that no component's name says what it is or does."""

# fmt: off
WORDS = (
    "acorn", "alder", "amber", "anise", "apple", "arbor", "ash", "aspen", "aster", "badger",
    "balsam", "bamboo", "basil", "bay", "beech", "birch", "bison", "bramble", "brook",
    "camel", "canary", "cedar", "cherry", "chestnut", "clover", "cobalt", "comet", "coral",
    "cornel", "cricket", "crimson", "crocus", "curlew", "cypress", "dahlia", "daisy",
    "dogwood", "dove", "elder", "elm", "ermine", "falcon", "fennel", "fern", "finch", "fir",
    "flax", "fox", "garnet", "gecko", "ginger", "gorse", "granite", "grouse", "hawthorn",
    "hazel", "heath", "heron", "holly", "hornet", "indigo", "iris", "ivory", "ivy", "jackdaw",
    "jade", "jasper", "juniper", "kelp", "kestrel", "larch", "laurel", "lavender", "lemon",
    "lilac", "linden", "lotus", "lupin", "lynx", "magpie", "maple", "marten", "mimosa",
    "mint", "moss", "myrtle", "nettle", "nutmeg", "oak", "ochre", "olive", "onyx", "orchid",
    "osprey", "otter", "papaya", "pear", "pebble", "pepper", "petrel", "pine", "plover",
    "plum", "poplar", "poppy", "quartz", "quince", "raven", "reed", "robin", "rowan",
    "saffron", "sage", "salmon", "sedge", "sorrel", "sparrow", "spruce", "squirrel",
    "starling", "sumac", "swift", "tansy", "teak", "teal", "thistle", "thrush", "thyme",
    "topaz", "tulip", "umber", "verbena", "violet", "walnut", "warbler", "willow", "wren",
    "yarrow", "yew", "zinnia",
)
# fmt: on

NOUNS = ("alpha", "beta", "delta", "epsilon", "eta", "gamma", "iota", "kappa", "lambda", "theta")
