/* An ordered index of integer keys, kept in an AVL tree with counts: insert, remove, look up, find by rank and count
 * a range. Runs a random mix of these on it, or the commands on standard input, and prints a hash of all answers.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Half the size of a node with pointers: two share a cache line. */
typedef struct {
  int32_t key;
  uint32_t left, right; /* places in the pool; 0: none */
  uint32_t size;        /* nodes in this tree */
  int64_t value;
  int32_t height;
} Node;

static Node *pool; /* the first one stands for an empty tree */
static uint32_t pool_used = 1, pool_size = 0, unused = 0;

static uint32_t new_node(int32_t key, int64_t value) {
  uint32_t node = unused;
  if (node) {
    unused = pool[node].left;
  } else {
    node = pool_used++;
  }
  if (pool_used > pool_size) {
    uint32_t size = pool_size ? 2 * pool_size : 4096;
    Node *memory = realloc(pool, size * sizeof *pool);
    if (!memory) {
      fprintf(stderr, "index: out of memory\n");
      exit(1);
    }
    pool = memory;
    pool_size = size;
    pool[0] = (Node){0, 0, 0, 0, 0, 0};
  }
  pool[node] = (Node){key, 0, 0, 1, value, 1};
  return node;
}

static void free_node(uint32_t node) {
  pool[node].left = unused;
  unused = node;
}

static void update(Node *node) {
  const Node *left = &pool[node->left], *right = &pool[node->right];
  node->height = 1 + (left->height > right->height ? left->height : right->height);
  node->size = 1 + left->size + right->size;
}

static uint32_t rotate_right(uint32_t node) {
  uint32_t top = pool[node].left;
  pool[node].left = pool[top].right;
  pool[top].right = node;
  update(&pool[node]);
  update(&pool[top]);
  return top;
}

static uint32_t rotate_left(uint32_t node) {
  uint32_t top = pool[node].right;
  pool[node].right = pool[top].left;
  pool[top].left = node;
  update(&pool[node]);
  update(&pool[top]);
  return top;
}

static int lean(uint32_t node) { return pool[pool[node].left].height - pool[pool[node].right].height; }

static uint32_t balance(uint32_t node) {
  update(&pool[node]);
  if (lean(node) > 1) {
    if (lean(pool[node].left) < 0)
      pool[node].left = rotate_left(pool[node].left);
    return rotate_right(node);
  }
  if (lean(node) < -1) {
    if (lean(pool[node].right) > 0)
      pool[node].right = rotate_right(pool[node].right);
    return rotate_left(node);
  }
  return node;
}

static uint32_t insert_new(uint32_t node, int32_t key, int64_t value) {
  if (!node)
    return new_node(key, value);
  if (key < pool[node].key) {
    uint32_t left = insert_new(pool[node].left, key, value);
    pool[node].left = left;
  } else {
    uint32_t right = insert_new(pool[node].right, key, value);
    pool[node].right = right;
  }
  return balance(node);
}

static uint32_t find(uint32_t node, int32_t key) {
  while (node && pool[node].key != key)
    node = key < pool[node].key ? pool[node].left : pool[node].right;
  return node;
}

/* Nothing needs to be balanced for a key that is there. */
static uint32_t insert(uint32_t root, int32_t key, int64_t value) {
  uint32_t node = find(root, key);
  if (!node)
    return insert_new(root, key, value);
  pool[node].value = value;
  return root;
}

static uint32_t take_first(uint32_t node, uint32_t *first) {
  if (!pool[node].left) {
    *first = node;
    return pool[node].right;
  }
  pool[node].left = take_first(pool[node].left, first);
  return balance(node);
}

static uint32_t erase_known(uint32_t node, int32_t key) {
  if (key < pool[node].key) {
    pool[node].left = erase_known(pool[node].left, key);
  } else if (key > pool[node].key) {
    pool[node].right = erase_known(pool[node].right, key);
  } else {
    uint32_t left = pool[node].left, right = pool[node].right, first;
    free_node(node);
    if (!right)
      return left;
    right = take_first(right, &first);
    pool[first].left = left;
    pool[first].right = right;
    node = first;
  }
  return balance(node);
}

static uint32_t erase(uint32_t root, int32_t key) { return find(root, key) ? erase_known(root, key) : root; }

static uint32_t at_rank(uint32_t node, uint32_t rank) {
  while (node && rank != pool[pool[node].left].size) {
    if (rank < pool[pool[node].left].size) {
      node = pool[node].left;
    } else {
      rank -= pool[pool[node].left].size + 1;
      node = pool[node].right;
    }
  }
  return node;
}

/* How many keys are less than `key`. */
static uint32_t rank_of(uint32_t node, int32_t key) {
  uint32_t rank = 0;
  while (node) {
    if (key <= pool[node].key) {
      node = pool[node].left;
    } else {
      rank += pool[pool[node].left].size + 1;
      node = pool[node].right;
    }
  }
  return rank;
}

static int64_t apply(uint32_t *root, char command, int64_t a, int64_t b) {
  int32_t key = (int32_t)a; /* keys are small numbers */
  uint32_t node = 0;
  switch (command) {
  case '+':
    *root = insert(*root, key, b);
    return pool[*root].size;
  case '-':
    *root = erase(*root, key);
    return pool[*root].size;
  case '?':
    node = find(*root, key);
    return node ? pool[node].value : -1;
  case '#':
    node = *root ? at_rank(*root, (uint32_t)((uint64_t)a % pool[*root].size)) : 0;
    return node ? pool[node].key : -1;
  default:
    return a < b ? rank_of(*root, (int32_t)b) - rank_of(*root, key) : 0;
  }
}

static uint64_t next_random(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return *state >> 32;
}

static uint64_t run_random(uint32_t *root, long operations, int64_t keys, uint64_t seed) {
  static const char mix[] = "+++++---???????#";
  uint64_t state = seed, hash = 14695981039346656037u;
  for (long i = 0; i < operations; i++) {
    char command = i % 64 == 63 ? 'c' : mix[next_random(&state) & 15];
    int64_t a = (int64_t)(next_random(&state) % (uint64_t)keys);
    int64_t b = (int64_t)(next_random(&state) % (uint64_t)keys);
    hash = (hash ^ (uint64_t)apply(root, command, a, b)) * 1099511628211u;
  }
  return hash;
}

static uint64_t run_commands(uint32_t *root, FILE *file) {
  uint64_t hash = 14695981039346656037u;
  char command;
  int64_t a, b;
  while (fscanf(file, " %c %" SCNd64 " %" SCNd64, &command, &a, &b) == 3) {
    if (!strchr("+-?#c", command)) {
      fprintf(stderr, "index: unknown command '%c'\n", command);
      exit(2);
    }
    int64_t answer = apply(root, command, a, b);
    printf("%c %" PRId64 " %" PRId64 " = %" PRId64 "\n", command, a, b, answer);
    hash = (hash ^ (uint64_t)answer) * 1099511628211u;
  }
  return hash;
}

int main(int argc, char **argv) {
  long operations = argc == 4 ? atol(argv[1]) : 0;
  int64_t keys = argc == 4 ? atoll(argv[2]) : 1;
  if ((argc != 1 && argc != 4) || operations < 0 || keys < 1) {
    fprintf(stderr, "usage: index [OPERATIONS KEYS SEED]   (without numbers: commands on standard input)\n");
    return 2;
  }
  uint32_t root = 0;
  free_node(new_node(0, 0));
  uint64_t hash = argc == 4 ? run_random(&root, operations, keys, strtoull(argv[3], NULL, 10))
                            : run_commands(&root, stdin);
  printf("%" PRIu32 " keys, height %d, answers %016" PRIx64 "\n", pool[root].size, pool[root].height, hash);
  free(pool);
  return 0;
}
