-- Where to go on among gates, from one entry of a page on. It begins with the entry's run, so that it does not move
-- when what the run waits for gets another address.
local function cursor_at(page, i)
  return {page[i + 1], (string.match(page[i], '^(.*) '))}
end
