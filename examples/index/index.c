/* An ordered index of integer keys, kept in an AVL tree with counts: insert, remove, look up, find by rank and count
 * a range. Runs a random mix of these on it, or the commands on standard input, and prints a hash of all answers.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Node {
  struct Node *left, *right;
  int64_t key, value;
  int height;
  uint32_t size; /* nodes in this tree */
} Node;

static int height(const Node *node) { return node ? node->height : 0; }
static uint32_t size(const Node *node) { return node ? node->size : 0; }

static void update(Node *node) {
  int left = height(node->left), right = height(node->right);
  node->height = 1 + (left > right ? left : right);
  node->size = 1 + size(node->left) + size(node->right);
}

static Node *rotate_right(Node *node) {
  Node *top = node->left;
  node->left = top->right;
  top->right = node;
  update(node);
  update(top);
  return top;
}

static Node *rotate_left(Node *node) {
  Node *top = node->right;
  node->right = top->left;
  top->left = node;
  update(node);
  update(top);
  return top;
}

static Node *balance(Node *node) {
  update(node);
  int lean = height(node->left) - height(node->right);
  if (lean > 1) {
    if (height(node->left->left) < height(node->left->right))
      node->left = rotate_left(node->left);
    return rotate_right(node);
  }
  if (lean < -1) {
    if (height(node->right->right) < height(node->right->left))
      node->right = rotate_right(node->right);
    return rotate_left(node);
  }
  return node;
}

static Node *insert(Node *node, int64_t key, int64_t value) {
  if (!node) {
    node = malloc(sizeof *node);
    if (!node) {
      fprintf(stderr, "index: out of memory\n");
      exit(1);
    }
    *node = (Node){NULL, NULL, key, value, 1, 1};
    return node;
  }
  if (key == node->key) {
    node->value = value;
    return node;
  }
  if (key < node->key)
    node->left = insert(node->left, key, value);
  else
    node->right = insert(node->right, key, value);
  return balance(node);
}

static Node *take_first(Node *node, Node **first) {
  if (!node->left) {
    *first = node;
    return node->right;
  }
  node->left = take_first(node->left, first);
  return balance(node);
}

static Node *erase(Node *node, int64_t key) {
  if (!node)
    return NULL;
  if (key < node->key) {
    node->left = erase(node->left, key);
  } else if (key > node->key) {
    node->right = erase(node->right, key);
  } else {
    Node *left = node->left, *right = node->right;
    free(node);
    if (!right)
      return left;
    Node *first;
    right = take_first(right, &first);
    first->left = left;
    first->right = right;
    node = first;
  }
  return balance(node);
}

static const Node *find(const Node *node, int64_t key) {
  while (node && node->key != key)
    node = key < node->key ? node->left : node->right;
  return node;
}

static const Node *at_rank(const Node *node, uint32_t rank) {
  while (node && rank != size(node->left)) {
    if (rank < size(node->left)) {
      node = node->left;
    } else {
      rank -= size(node->left) + 1;
      node = node->right;
    }
  }
  return node;
}

/* How many keys are less than `key`. */
static uint32_t rank_of(const Node *node, int64_t key) {
  uint32_t rank = 0;
  while (node) {
    if (key <= node->key) {
      node = node->left;
    } else {
      rank += size(node->left) + 1;
      node = node->right;
    }
  }
  return rank;
}

static int64_t apply(Node **root, char command, int64_t a, int64_t b) {
  const Node *node = NULL;
  switch (command) {
  case '+':
    *root = insert(*root, a, b);
    return size(*root);
  case '-':
    *root = erase(*root, a);
    return size(*root);
  case '?':
    node = find(*root, a);
    return node ? node->value : -1;
  case '#':
    node = *root ? at_rank(*root, (uint32_t)((uint64_t)a % size(*root))) : NULL;
    return node ? node->key : -1;
  default:
    return a < b ? rank_of(*root, b) - rank_of(*root, a) : 0;
  }
}

static uint64_t next_random(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return *state >> 32;
}

static uint64_t run_random(Node **root, long operations, int64_t keys, uint64_t seed) {
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

static uint64_t run_commands(Node **root, FILE *file) {
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

static void release(Node *node) {
  if (node) {
    release(node->left);
    release(node->right);
    free(node);
  }
}

int main(int argc, char **argv) {
  long operations = argc == 4 ? atol(argv[1]) : 0;
  int64_t keys = argc == 4 ? atoll(argv[2]) : 1;
  if ((argc != 1 && argc != 4) || operations < 0 || keys < 1) {
    fprintf(stderr, "usage: index [OPERATIONS KEYS SEED]   (without numbers: commands on standard input)\n");
    return 2;
  }
  Node *root = NULL;
  uint64_t hash = argc == 4 ? run_random(&root, operations, keys, strtoull(argv[3], NULL, 10))
                            : run_commands(&root, stdin);
  printf("%" PRIu32 " keys, height %d, answers %016" PRIx64 "\n", size(root), height(root), hash);
  release(root);
  return 0;
}
