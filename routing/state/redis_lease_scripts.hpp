// The scripts of leases; see redis_scripts.hpp for their arguments.
#pragma once

#include <string_view>

namespace usher::state {

// A lease's value: the holder's length, a colon, the holder, the value. Holders and values are any bytes.
// A key of another type is none of ours, and nobody could ever hold the lease again.
inline constexpr std::string_view hold = R"lua(
local mine = #ARGV[1] .. ':' .. ARGV[1]
local function ours(command, key, ...)
  local reply = redis.pcall(command, key, ...)
  if type(reply) ~= 'table' or not string.find(reply.err or '', 'WRONGTYPE', 1, true) then return reply end
  redis.call('DEL', key)
  return redis.call(command, key, ...)
end
local found = ours('GET', KEYS[1])
if type(found) == 'table' then return found end
if found and string.sub(found, 1, #mine) ~= mine then
  -- Without an expiry (somebody's PERSIST, a key put back) it would outlive its holder for ever. From now on it has the time that its
  -- holder would have had; who lives renews it before. A user that may not ask (an older users.acl) leaves it.
  if redis.pcall('PTTL', KEYS[1]) == -1 then redis.call('SET', KEYS[1], found, 'PX', ARGV[3]) end
  return 0
end
local listed = ours('SADD', KEYS[2], ARGV[4])
if type(listed) == 'table' then return listed end
redis.call('SET', KEYS[1], mine .. ARGV[2], 'PX', ARGV[3])
return 1
)lua";

inline constexpr std::string_view release = R"lua(
local mine = #ARGV[1] .. ':' .. ARGV[1]
local found = redis.call('GET', KEYS[1])
if not found or string.sub(found, 1, #mine) ~= mine then return 0 end
redis.call('SREM', KEYS[2], ARGV[2])
redis.call('DEL', KEYS[1])
return 1
)lua";

// Names without a lease leave the set, and a lease without an expiry gets one, as in `hold`: a gateway's nobody else would hold.
inline constexpr std::string_view tidy_leases = R"lua(
for i = 3, #ARGV do
  local key = ARGV[1] .. ARGV[i]
  if redis.call('EXISTS', key) == 0 then
    redis.call('SREM', KEYS[1], ARGV[i])
  elseif redis.pcall('PTTL', key) == -1 then
    local held = redis.pcall('GET', key)
    if type(held) == 'string' then redis.call('SET', key, held, 'PX', ARGV[2]) end
  end
end
return 1
)lua";

}  // namespace usher::state
