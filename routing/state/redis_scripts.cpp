// The texts of the state's scripts. Answers: {"OK"}, {"CONFLICT", epoch, offset} (or {"CONFLICT"} when there is no state),
// {"DAMAGED", what}, {"UNSTAGED"}: what was staged is not whole. Whatever is not OK has changed nothing that is read.
#include "routing/state/redis_scripts.hpp"

#include <array>
#include <string>

#include "routing/message/result.hpp"
#include "routing/state/redis_lease_scripts.hpp"

namespace usher::state {

namespace {

// Shared beginning. `a` and `at` are the arguments and how far they are read.
constexpr std::string_view prelude = R"lua(
local meta = KEYS[1]
local p = string.sub(meta, 1, -5)
local a, at = ARGV, 0
local function take() at = at + 1; return a[at] end
local function take_number() return tonumber(take()) end
-- None when the key holds another type; any other error ends the script, before its first write.
local function size_of(command, key)
  local n = redis.pcall(command, key)
  if type(n) == 'number' then return n end
  if string.find(n.err, 'WRONGTYPE', 1, true) then return nil end
  return redis.call(command, key)
end
-- Lua passes some thousand values to one call at most.
local function in_pieces(command, key, first, last, from)
  while first <= last do
    local to = math.min(first + 1999, last)
    redis.call(command, key, unpack(from or a, first, to))
    first = to + 1
  end
end
-- Epoch, offset, generation, entities, outbox, published, count, numbers. Empty: no state. None: something else stands there.
local function read_meta()
  local n = size_of('HLEN', meta)
  if n == 0 then return {} end
  local m = n and redis.call('HMGET', meta, 'epoch', 'offset', 'generation', 'entities', 'outbox', 'published', 'count', 'numbers')
  return m and m[1] and m[2] and m
end
-- An empty epoch stands for: no state.
local function conflict_at(m, epoch, offset)
  if epoch == '' and not m[1] then return nil end
  if m[1] == epoch and m[2] == offset then return nil end
  if not m[1] then return {'CONFLICT'} end
  return {'CONFLICT', m[1], m[2]}
end
-- What stands in meta, once more: a changed number is then no other position, but damage. Two fields of 64 bytes or less, for
-- a hash with a longer one takes another form. `published`: none in a state that no
-- commit has touched yet.
local function again(epoch, offset, fingerprint, count, digest, published)
  return table.concat({epoch, offset, count or nil, published or nil}, ' '), fingerprint .. digest
end
-- What a reader needs is there and makes sense.
local function readable()
  if not size_of('HLEN', meta) then return false end
  for field, sound in pairs({epoch = '^%-?%d+$', offset = '^%-?%d+$', count = '^%d+$', entities = '^%d+$', outbox = '^%d+$'}) do
    local value = redis.call('HGET', meta, field) or ''
    if #value > 18 or not string.find(value, sound) then return false end
  end
  for _, field in ipairs({'fingerprint', 'digest'}) do
    local hash = redis.call('HGET', meta, field) or ''
    if #hash ~= 32 or not string.find(hash, '^[0-9a-f]+$') then return false end
  end
  local m = redis.call('HMGET', meta, 'epoch', 'offset', 'fingerprint', 'count', 'digest', 'numbers', 'hashes', 'published')
  if m[8] and (#m[8] > 18 or not string.find(m[8], '^%-?%d+$')) then return false end
  local numbers, hashes = again(m[1], m[2], m[3], m[4], m[5], m[8])
  if m[6] and m[6] ~= numbers or m[7] and m[7] ~= hashes then return false end
  return (redis.call('HGET', meta, 'generation') or '') ~= ''
end
-- For a rewrite: the meta, or a refusal. An epoch of '?' stands for: a state that cannot be read.
local function rewritten_meta(epoch, offset)
  if epoch == '?' then
    local n = size_of('HLEN', meta)
    if n == 0 or readable() then return nil, {'CONFLICT'} end
    return {false, false, n and redis.call('HGET', meta, 'generation')}
  end
  local m = read_meta()
  if not m then return nil, {'DAMAGED', 'meta'} end
  local conflict = conflict_at(m, epoch, offset)
  if conflict then return nil, conflict end
  return m
end
-- With `mend`, a list of texts that is none is erased: the texts are listed again as they come.
local function skip_bodies(mend)
  local n, first = take_number(), at + 1
  local seen = {}
  for i = first, first + 5 * n - 1, 5 do
    local texts = 'texts:' .. a[i + 1]
    if not seen[texts] and not size_of('ZCARD', p .. texts) then
      if not mend then return nil, nil, texts end
      redis.call('UNLINK', p .. texts)
    end
    seen[texts] = true
  end
  at = at + 5 * n
  return first, at
end
-- Written once: what is there stays (rule S5), unless its owner found that nobody can read it.
local function write_bodies(first, last)
  for i = first, last, 5 do
    local key, conversation = p .. 'msg:' .. a[i], a[i + 1]
    local new
    if a[i + 4] == '1' then new = redis.call('SET', key, a[i + 3]) else new = redis.call('SET', key, a[i + 3], 'NX') end
    -- One that is there may have lost its place in the list, which is the first it was given: a message that is taken for new
    -- again stands where it stood. MGET, for a key of another type is no error to it.
    local place = conversation .. ' ' .. a[i + 2]
    local there = new and '' or redis.call('MGET', key)[1] or ''
    if new or string.sub(there, 1, #place + 1) == place .. ' ' or string.sub(there, 1, #place + 1) == place .. '\n' then
      redis.call('ZADD', p .. 'texts:' .. conversation, a[i + 2], a[i])
    end
  end
end
-- Blocks of effects: first all names with their texts, then all offsets with their names.
local function write_effects(g, first, n)
  in_pieces('HSET', g .. 'outbox', first, first + 2 * n - 1)
  in_pieces('ZADD', g .. 'outbox-order', first + 2 * n, first + 4 * n - 1)
end
local function erase_texts(conversation)
  local texts = p .. 'texts:' .. conversation
  if size_of('ZCARD', texts) then
    for _, id in ipairs(redis.call('ZRANGE', texts, 0, -1)) do redis.call('UNLINK', p .. 'msg:' .. id) end
  end
  redis.call('UNLINK', texts)
end
local function trim_effects(g, done)
  local out = redis.call('ZRANGEBYSCORE', g .. 'outbox-order', '-inf', done)
  in_pieces('HDEL', g .. 'outbox', 1, #out, out)
  if #out > 0 then redis.call('ZREMRANGEBYSCORE', g .. 'outbox-order', '-inf', done) end
end
-- How many entities a table has by now, noted; by how many it grew.
local function recount(g, name, before)
  local n = redis.call('HLEN', g .. 'table:' .. name)
  if n == before then return 0 end
  if n == 0 then redis.call('HDEL', g .. 'tables', name) else redis.call('HSET', g .. 'tables', name, n) end
  return n - before
end
-- The offset last. `new`: epoch, offset, fingerprint, count, digest.
local function write_meta(new, published, total, effects)
  local numbers, hashes = again(new[1], new[2], new[3], new[4], new[5], published)
  redis.call('HSET', meta, 'published', published, 'fingerprint', new[3], 'count', new[4], 'digest', new[5], 'entities', total,
    'outbox', effects, 'numbers', numbers, 'hashes', hashes, 'epoch', new[1], 'offset', new[2])
end
local function later(done, published)
  if done ~= '' and tonumber(done) > tonumber(published) then return done end
  return published
end
-- What is to be erased one day has its name here first. A key of another type is none of ours.
local generations = p .. 'generations'
local function note_generation(name)
  if not size_of('SCARD', generations) then redis.call('UNLINK', generations) end
  redis.call('SADD', generations, name)
end
local function drop_generation(name)
  local g = p .. 'g' .. name .. ':'
  if size_of('HLEN', g .. 'tables') then
    for _, t in ipairs(redis.call('HKEYS', g .. 'tables')) do redis.call('UNLINK', g .. 'table:' .. t) end
  end
  redis.call('UNLINK', g .. 'tables', g .. 'outbox', g .. 'outbox-order')
  redis.call('SREM', generations, name)
end
)lua";

constexpr std::string_view initialise = R"lua(
if redis.call('EXISTS', meta) == 1 then return {'CONFLICT'} end
note_generation(a[1])
redis.call('HSET', meta, 'epoch', '-1', 'offset', '-1', 'fingerprint', string.rep('0', 32), 'count', '0',
  'digest', string.rep('0', 32), 'entities', '0', 'outbox', '0', 'generation', a[1])
return {'OK'}
)lua";

// Of a commit: where its arguments are.
constexpr std::string_view commit_arguments = R"lua(
local staged = KEYS[2]
if staged then
  if size_of('LLEN', staged) ~= tonumber(ARGV[1]) then return {'UNSTAGED'} end
  a = redis.call('LRANGE', staged, 0, -1)
end
local function answer(reply)
  if staged then redis.call('UNLINK', staged) end
  return reply
end
)lua";

constexpr std::string_view look_arguments = R"lua(
local function answer(reply) return reply end
)lua";

constexpr std::string_view state_checks = R"lua(
local m = read_meta()
if not m then return answer({'DAMAGED', 'meta'}) end
local conflict = conflict_at(m, a[1], a[2])
if conflict then return answer(conflict) end
local published = m[6] or '-1'
if not (m[3] and m[4] and m[5] and m[7] and tonumber(published)) then return answer({'DAMAGED', 'meta'}) end
-- Written on from here, a wrong one would hide effects that are not out.
if m[8] and m[8] ~= again(m[1], m[2], '', m[7], '', m[6]) then return answer({'DAMAGED', 'meta'}) end
published = later(a[8], published)
local g = p .. 'g' .. m[3] .. ':'

if not size_of('HLEN', g .. 'tables') then return answer({'DAMAGED', 'tables'}) end
local index = redis.call('HGETALL', g .. 'tables')
local held, total = {}, 0
for i = 1, #index, 2 do
  local n = size_of('HLEN', g .. 'table:' .. index[i])
  if n ~= tonumber(index[i + 1]) then return answer({'DAMAGED', 'table ' .. index[i]}) end
  held[index[i]] = n
  total = total + n
end
if total ~= tonumber(m[4]) then return answer({'DAMAGED', 'tables'}) end
local effects_held = size_of('HLEN', g .. 'outbox')
if effects_held ~= tonumber(m[5]) or size_of('ZCARD', g .. 'outbox-order') ~= effects_held then
  return answer({'DAMAGED', 'outbox'})
end

)lua";

constexpr std::string_view commit_checks = R"lua(
at = 8
local changed = {}
for i = 1, take_number() do
  local t = {name = take(), drop = take() == '1'}
  t.sets = 2 * take_number()
  t.first_set = at + 1
  at = at + t.sets
  t.erased = take_number()
  t.first_erased = at + 1
  at = at + t.erased
  if not held[t.name] and redis.call('EXISTS', g .. 'table:' .. t.name) == 1 then
    return answer({'DAMAGED', 'table ' .. t.name})
  end
  changed[i] = t
end
local first_body, last_body, wrong = skip_bodies()
if wrong then return answer({'DAMAGED', wrong}) end
local gone, first_gone = take_number(), at + 1
at = at + gone
local effects, first_effect = take_number(), at + 1
at = at + 4 * effects
if at ~= #a then return answer({'UNSTAGED'}) end
)lua";

// The first write changes nothing: it is of the kind that a server without memory refuses, and what follows must not be
// refused half-way.
constexpr std::string_view commit_writes = R"lua(
redis.call('HSET', meta, 'generation', m[3])
for _, t in ipairs(changed) do
  local key = g .. 'table:' .. t.name
  if t.drop then redis.call('UNLINK', key) end
  in_pieces('HDEL', key, t.first_erased, t.first_erased + t.erased - 1)
  in_pieces('HSET', key, t.first_set, t.first_set + t.sets - 1)
  total = total + recount(g, t.name, held[t.name] or 0)
end
write_bodies(first_body, last_body)
for i = first_gone, first_gone + gone - 1 do erase_texts(a[i]) end
write_effects(g, first_effect, effects)
if a[8] ~= '' then trim_effects(g, a[8]) end
if effects > 0 or a[8] ~= '' then effects_held = redis.call('HLEN', g .. 'outbox') end
answer()
write_meta({a[3], a[4], a[5], a[6], a[7]}, published, total, effects_held)
return {'OK'}
)lua";

// The two ends of a commit as a transaction (redis_transaction.cpp): the same checks, with the names of what it will write; and what
// can only be known behind its writes. The commit's first write stands before `settle`, as above.
constexpr std::string_view look = R"lua(
at = 8
for _ = 1, take_number() do
  local name = take()
  if not held[name] and redis.call('EXISTS', g .. 'table:' .. name) == 1 then return {'DAMAGED', 'table ' .. name} end
end
for _ = 1, take_number() do
  local texts = 'texts:' .. take()
  if not size_of('ZCARD', p .. texts) then return {'DAMAGED', texts} end
end
return {'OK', m[3]}
)lua";

constexpr std::string_view settle = R"lua(
local generation, new = take(), {take(), take(), take(), take(), take()}
local done, g = take(), p .. 'g' .. generation .. ':'
local before = redis.call('HMGET', meta, 'entities', 'published')
local total = tonumber(before[1])
for _ = 1, take_number() do
  local name = take()
  total = total + recount(g, name, tonumber(redis.call('HGET', g .. 'tables', name) or 0))
end
for _ = 1, take_number() do erase_texts(take()) end
if done ~= '' then trim_effects(g, done) end
write_meta(new, later(done, before[2] or '-1'), total, redis.call('HLEN', g .. 'outbox'))
return {'OK'}
)lua";

constexpr std::string_view stage = R"lua(
local epoch, offset, generation = take(), take(), take()
local m, refused = rewritten_meta(epoch, offset)
if not m then return refused end
local g = p .. 'g' .. generation .. ':'
local tables = {}
for i = 1, take_number() do
  local t = {name = take()}
  t.sets = 2 * take_number()
  t.first_set = at + 1
  at = at + t.sets
  tables[i] = t
end
local first_body, last_body = skip_bodies(true)
local effects, first_effect = take_number(), at + 1
note_generation(generation)
for _, t in ipairs(tables) do
  in_pieces('HSET', g .. 'table:' .. t.name, t.first_set, t.first_set + t.sets - 1)
  redis.call('HSET', g .. 'tables', t.name, redis.call('HLEN', g .. 'table:' .. t.name))
end
write_effects(g, first_effect, effects)
write_bodies(first_body, last_body)
return {'OK'}
)lua";

constexpr std::string_view flip = R"lua(
local m, refused = rewritten_meta(a[1], a[2])
if not m then return refused end
local generation, effects = a[8], tonumber(a[9])
local g = p .. 'g' .. generation .. ':'
at = 9
local count, total = take_number(), 0
if size_of('HLEN', g .. 'tables') ~= count then return {'UNSTAGED'} end
for _ = 1, count do
  local name, n = take(), take_number()
  if size_of('HLEN', g .. 'table:' .. name) ~= n or redis.call('HGET', g .. 'tables', name) ~= tostring(n) then
    return {'UNSTAGED'}
  end
  total = total + n
end
if size_of('HLEN', g .. 'outbox') ~= effects or size_of('ZCARD', g .. 'outbox-order') ~= effects then
  return {'UNSTAGED'}
end
note_generation(generation)
if m[3] and m[3] ~= generation then drop_generation(m[3]) end
if not size_of('HLEN', meta) then redis.call('UNLINK', meta) end
redis.call('HDEL', meta, 'published')
local numbers, hashes = again(a[3], a[4], a[5], a[6], a[7])
redis.call('HSET', meta, 'generation', generation, 'fingerprint', a[5], 'count', a[6], 'digest', a[7],
  'entities', total, 'outbox', effects, 'numbers', numbers, 'hashes', hashes, 'epoch', a[3], 'offset', a[4])
return {'OK'}
)lua";

constexpr std::string_view sweep = R"lua(
local current = size_of('HLEN', meta) and redis.call('HGET', meta, 'generation')
if not size_of('SCARD', generations) then return {'OK'} end
for _, name in ipairs(redis.call('SMEMBERS', generations)) do
  if name ~= current and name ~= a[1] then drop_generation(name) end
end
return {'OK'}
)lua";

constexpr std::string_view count_attempt = R"lua(
local key = KEYS[1]
if redis.call('HGET', key, 'at') ~= ARGV[1] then
  redis.call('HSET', key, 'at', ARGV[1], 'count', 1)
  return 1
end
return redis.call('HINCRBY', key, 'count', 1)
)lua";

template <class... Parts>
std::string joined(Parts... parts) {
  std::string text;
  (text.append(parts), ...);
  return text;
}

}  // namespace

std::string_view redis_script_text(RedisScript script) {
  static const std::array<std::string, redis_script_count> texts{
      joined(prelude, initialise), joined(prelude, commit_arguments, state_checks, commit_checks, commit_writes),
      joined(prelude, look_arguments, state_checks, look), joined(prelude, settle),
      joined(prelude, stage), joined(prelude, flip), joined(prelude, sweep), joined(count_attempt), joined(hold), joined(release), joined(tidy_leases)};
  const auto place = static_cast<std::size_t>(script);
  message::expect(place < texts.size(), "a script has a text");
  return texts[place];
}

}  // namespace usher::state
